//! The pairs of a test as CSV, one row a pair, for statistics tools that we did not write. Columns: docs/packet.md.

use std::collections::BTreeSet;

use workflow_engine::shadow::analysis::pairs::{Arm, Pair};

use crate::jobs::digest::files::cell;

/// The table. Right or wrong is 1 or 0, what is not known is empty, money is exact; lines end as RFC 4180 says.
#[must_use]
pub fn csv(pairs: &[Pair]) -> String {
    let checks = checks(pairs);
    let mut lines = vec![head(&checks)];
    lines.extend(pairs.iter().map(|pair| row(pair, &checks)));
    lines.join("\r\n") + "\r\n"
}

/// The two arms that are compared, by the name of their columns.
const ARMS: [&str; 2] = ["incumbent", "candidate"];

fn checks(pairs: &[Pair]) -> Vec<String> {
    let names: BTreeSet<&String> = pairs
        .iter()
        .flat_map(|pair| [&pair.arms.incumbent, &pair.arms.candidate])
        .flat_map(|arm| arm.checks.keys())
        .collect();
    names.into_iter().cloned().collect()
}

fn head(checks: &[String]) -> String {
    let mut names: Vec<String> = ["trace_id", "stratum", "cluster"].map(str::to_owned).into();
    for figure in [
        "ok",
        "score",
        "cost_usd",
        "latency_ms",
        "ttft_ms",
        "input_tokens",
        "output_tokens",
    ] {
        names.extend(ARMS.map(|arm| format!("{arm}_{figure}")));
    }
    for check in checks {
        names.extend(ARMS.map(|arm| cell(&format!("{arm}_check_{check}"))));
    }
    names.extend(["recorded_ok", "incumbent_repeat_ok"].map(str::to_owned));
    names.join(",")
}

fn row(pair: &Pair, checks: &[String]) -> String {
    let arms = [&pair.arms.incumbent, &pair.arms.candidate];
    let mut cells = vec![
        cell(&pair.trace_id),
        cell(pair.stratum.as_deref().unwrap_or_default()),
        cell(pair.cluster.as_deref().unwrap_or_default()),
    ];
    cells.extend(arms.map(|arm| bit(Some(arm.ok))));
    cells.extend(arms.map(|arm| number(arm.score)));
    cells.extend(arms.map(|arm| arm.cost_usd.map(|cost| cost.plain()).unwrap_or_default()));
    cells.extend(arms.map(|arm| number(arm.latency_ms)));
    cells.extend(arms.map(|arm| number(arm.ttft_ms)));
    cells.extend(arms.map(|arm| number(arm.input_tokens)));
    cells.extend(arms.map(|arm| number(arm.output_tokens)));
    for check in checks {
        cells.extend(arms.map(|arm| bit(arm.checks.get(check).copied())));
    }
    let ok = |arm: &Option<Arm>| bit(arm.as_ref().map(|arm| arm.ok));
    cells.push(ok(&pair.arms.recorded));
    cells.push(ok(&pair.arms.incumbent_repeat));
    cells.join(",")
}

fn bit(passed: Option<bool>) -> String {
    number(passed.map(u8::from))
}

fn number(figure: Option<impl std::fmt::Display>) -> String {
    figure.map(|figure| figure.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use workflow_engine::shadow::analysis::pairs::parse_lines;

    use super::*;

    #[test]
    fn each_pair_is_a_row_and_what_is_not_known_is_empty() {
        let pairs = parse_lines(concat!(
            r#"{"trace_id":"t1","stratum":"a, b","arms":{"incumbent":{"ok":true,"cost_usd":"0.00123","latency_ms":812.5,"checks":{"schema":true}},"candidate":{"ok":false,"score":-1}}}"#,
            "\n",
            r#"{"trace_id":"=1+1","cluster":"s9","arms":{"incumbent":{"ok":true},"candidate":{"ok":true,"checks":{"schema":false}},"recorded":{"ok":false}}}"#,
        ))
        .unwrap();
        insta::assert_snapshot!(csv(&pairs).replace("\r\n", "\n"), @r#"
        trace_id,stratum,cluster,incumbent_ok,candidate_ok,incumbent_score,candidate_score,incumbent_cost_usd,candidate_cost_usd,incumbent_latency_ms,candidate_latency_ms,incumbent_ttft_ms,candidate_ttft_ms,incumbent_input_tokens,candidate_input_tokens,incumbent_output_tokens,candidate_output_tokens,incumbent_check_schema,candidate_check_schema,recorded_ok,incumbent_repeat_ok
        t1,"a, b",,1,0,,-1,0.00123,,812.5,,,,,,,,1,,,
        '=1+1,,s9,1,1,,,,,,,,,,,,,,0,0,
        "#);
    }
}
