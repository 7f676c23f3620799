//! `governor analyze`: the shadow-test statistics on files, without a database.

mod attach;
mod text;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use integrations::evaluations::{self, Converted, Files};
use serde_json::Value;
use workflow_engine::change::attached;
use workflow_engine::shadow::analysis::plan::Plan;
use workflow_engine::shadow::analysis::report::{Report, Verdict};
use workflow_engine::shadow::analysis::{analyze, pairs};
use workflow_engine::values::Digest;

use super::{Format, bad, print, read};

/// Judge a candidate by pairs of answers, against a plan fixed before.
///
/// PLAN.json holds margins, strata and seed; every field has a default. PAIRS has one JSON object a line: trace_id, stratum,
/// cluster and what each arm did. The answer is one JSON document; `--format text` draws it as a table.
/// Exit code 0: eligible. 1: not eligible, or it cannot be told yet. 2: bad input.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  governor analyze --plan plan.json pairs.ndjson | jq -r .verdict
  governor analyze --plan plan.json pairs.ndjson --format text
  governor analyze --plan plan.json --from csv pairs.csv
  governor analyze --plan plan.json --from promptfoo results.json --incumbent gpt-4o --candidate gpt-4o-mini
  governor analyze --plan plan.json --from lm-eval samples_now.jsonl samples_new.jsonl --metric exact_match
  governor analyze --plan plan.json --from csv pairs.csv --attach 142 --as maya     as supporting evidence of a change")]
pub struct Args {
    /// The plan, as it was frozen and hashed.
    #[arg(long, value_name = "PLAN.json")]
    plan: PathBuf,
    /// The pairs, one a line, in the order in which they were tested; `-` reads stdin.
    #[arg(value_name = "PAIRS.ndjson")]
    pairs: PathBuf,
    /// The candidate's samples, where each model has a file of its own (lm-eval).
    #[arg(value_name = "CANDIDATE.jsonl")]
    candidate_file: Option<PathBuf>,
    /// Whose file it is, when it is not ours.
    #[arg(long, value_enum)]
    from: Option<Source>,
    /// The incumbent's provider, by label or id (promptfoo).
    #[arg(long, value_name = "PROVIDER", required_if_eq("from", "promptfoo"))]
    incumbent: Option<String>,
    /// The candidate's provider (promptfoo).
    #[arg(long, value_name = "PROVIDER", required_if_eq("from", "promptfoo"))]
    candidate: Option<String>,
    /// What says that an answer was right, when the file has several figures (lm-eval).
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    #[command(flatten)]
    attach: attach::Attach,
}

/// Files of others that can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Source {
    /// One row a pair, as `governor packet export` writes it.
    Csv,
    /// `promptfoo eval -o results.json`.
    Promptfoo,
    /// `lm_eval --log_samples`.
    LmEval,
}

/// Prints the report: JSON unless text was asked for.
///
/// # Errors
/// When a file cannot be read or holds something impossible; names file, line and field.
pub async fn run(args: &Args, format: Option<Format>) -> anyhow::Result<ExitCode> {
    let (said, eligible) = answer(args, format).await?;
    print(&said)?;
    Ok(ExitCode::from(u8::from(!eligible)))
}

/// What it prints, and whether the candidate is eligible.
///
/// # Errors
/// As [`run`].
pub async fn answer(args: &Args, format: Option<Format>) -> anyhow::Result<(String, bool)> {
    let files = files(args)?;
    let converted = converted(args, &files)?;
    let report = judge(&args.plan, &args.pairs, &converted.pairs)?;
    if args.attach.is_wanted() {
        attach::attach(&args.attach, &files, converted).await?;
    }
    let said = match format {
        Some(Format::Text) => text::table(&report),
        Some(Format::Json) | None => serde_json::to_string_pretty(&report)? + "\n",
    };
    Ok((said, report.verdict == Verdict::Eligible))
}

/// The files' texts, with what is needed to read them.
struct Texts {
    format: attached::Format,
    file: String,
    candidate_file: Option<String>,
    incumbent: Option<String>,
    candidate: Option<String>,
    metric: Option<String>,
}

impl Texts {
    fn borrowed(&self) -> Files<'_> {
        Files {
            format: self.format,
            file: &self.file,
            candidate_file: self.candidate_file.as_deref(),
            incumbent: self.incumbent.as_deref(),
            candidate: self.candidate.as_deref(),
            metric: self.metric.as_deref(),
        }
    }
}

fn files(args: &Args) -> anyhow::Result<Texts> {
    Ok(Texts {
        format: match args.from {
            None => attached::Format::Pairs,
            Some(Source::Csv) => attached::Format::Csv,
            Some(Source::Promptfoo) => attached::Format::Promptfoo,
            Some(Source::LmEval) => attached::Format::LmEval,
        },
        file: read(&args.pairs)?,
        candidate_file: args.candidate_file.as_deref().map(read).transpose()?,
        incumbent: args.incumbent.clone(),
        candidate: args.candidate.clone(),
        metric: args.metric.clone(),
    })
}

/// The pairs as our own lines, whatever they came as.
fn converted(args: &Args, files: &Texts) -> anyhow::Result<Converted> {
    let converted = evaluations::read(&files.borrowed()).map_err(|error| bad(&args.pairs, error))?;
    if converted.unpaired > 0 {
        let left_out = converted.unpaired;
        writeln!(
            io::stderr(),
            "{left_out} answers have no counterpart in the other arm and are left out"
        )?;
    }
    Ok(converted)
}

/// The report on a plan's file and on the pairs of another. `plan_sha256` is the digest of the plan as it was written,
/// so that it equals what anybody computes from the file.
fn judge(plan_file: &Path, pairs_file: &Path, pairs: &str) -> anyhow::Result<Report> {
    let document: Value = serde_json::from_str(&read(plan_file)?)
        .map_err(|error| bad(plan_file, format!("line {}: not JSON: {error}", error.line())))?;
    let plan = Plan::parse(&document).map_err(|error| bad(plan_file, error))?;
    let pairs = pairs::parse_lines(pairs).map_err(|error| bad(pairs_file, error))?;
    Ok(Report {
        plan_sha256: Digest::of_json(&document)?,
        ..analyze(&plan, &pairs)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn judged(plan: &str, pairs: &str) -> anyhow::Result<Report> {
        let dir = tempfile::tempdir()?;
        let (plan_file, pairs_file) = (dir.path().join("plan.json"), dir.path().join("pairs.ndjson"));
        fs::write(&plan_file, plan)?;
        fs::write(&pairs_file, pairs)?;
        judge(&plan_file, &pairs_file, pairs).map_err(|error| {
            anyhow::anyhow!(format!("{error:#}").replace(&format!("{}/", dir.path().display()), ""))
        })
    }

    fn pairs(n: usize, worse: usize) -> String {
        (0..n)
            .map(|i| {
                json!({"trace_id": format!("t{i}"), "stratum": if i < 80 { "relevance" } else { "simple" }, "arms": {
                    "incumbent": {"ok": true, "cost_usd": "0.01", "latency_ms": 900 + i, "input_tokens": 300, "output_tokens": 40},
                    "candidate": {"ok": i >= worse, "cost_usd": "0.004", "latency_ms": 700 + i, "input_tokens": 280, "output_tokens": 44}
                }})
                .to_string()
                    + "\n"
            })
            .collect()
    }

    #[test]
    fn the_plan_is_named_by_the_digest_of_what_was_written() {
        let report = judged(r#"{"alpha": 0.05}"#, &pairs(200, 0)).unwrap();
        assert_eq!(report.plan_sha256, Digest::of(br#"{"alpha":0.05}"#));
        assert_eq!(report.verdict, Verdict::Eligible);
    }

    #[test]
    fn bad_files_are_told_in_one_line() {
        let told: Vec<String> = [
            judged("{", &pairs(2, 0)),
            judged(r#"{"alpha":0.9}"#, &pairs(2, 0)),
            judged(r#"{"margin":{}}"#, &pairs(2, 0)),
            judged("{}", ""),
            judged("{}", "{\"trace_id\":\"a\"}\n"),
            judged("{}", &pairs(2, 0).repeat(2)),
        ]
        .into_iter()
        .map(|result| result.unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        plan.json: line 1: not JSON: EOF while parsing an object at line 1 column 1
        plan.json: `alpha` must be above 0 and below 0.5, not 0.9
        plan.json: `margin` is not known; did you mean `margins`?
        pairs.ndjson: there are no pairs in it; write one JSON object a line
        pairs.ndjson: line 1: `arms` is missing; it must be an object with `incumbent` and `candidate`
        pairs.ndjson: line 3: `trace_id` "t0" was already used in line 1
        "#);
    }

    #[test]
    fn the_table_that_people_read() {
        let plan = r#"{"claims_savings":true,"strata":{"relevance":{"weight":0.3},"simple":{"weight":0.7}}}"#;
        insta::assert_snapshot!(text::table(&judged(plan, &pairs(300, 9)).unwrap()), @r"
        Not eligible. 300 traces, plan 111ff503…8c.

                             n  points  between         −25                 0                 +25
         quality           300    −3.0  −5.6 and −1.6                   ┼─●─│                      not shown within 5.0 (needs about 765), measurably worse
         quality_weighted  300    −3.4  −5.5 and −1.3                   ┼●──│                      not shown within 5.0, measurably worse
           relevance        80   −11.2  −20.0 and −6.0      ───────●┼───    │                      not shown within 10.0, measurably worse
           simple          220     0.0  −1.7 and +1.7               ┊      ─●─                     within 10.0

        Cost      $3.00 became $1.20, 0.400 times (between 0.400 and 0.400); tokens 0.953 times, price 0.420 times
        Latency   median 1050 → 850 ms, 95th percentile 1184 → 984 ms, 0.831 times (between 0.830 and 0.832)
        Why       quality: clearly worse, and not shown to stay within what is allowed. The candidate is 3.0 points worse (between 1.6 and 5.6 points worse); up to 5.0 points worse is allowed. By chance alone this would come about with probability 0.0117. 300 traces were tested; about 765 would settle it.
        Why       quality_weighted: cannot be told yet. The candidate is 3.4 points worse (between 1.3 and 5.5 points worse); up to 5.0 points worse is allowed. 300 traces were tested.
        Why       stratum relevance: clearly worse, and not shown to stay within what is allowed. The candidate is 11.2 points worse (between 6.0 and 20.0 points worse); up to 10.0 points worse is allowed. By chance alone this would come about with probability 0.0117. 80 traces were tested.
        ");
        insta::assert_snapshot!(text::table(&judged("{}", &pairs(40, 0)).unwrap()), @r"
        Cannot be told yet. 40 traces, plan 44136fa3…8a.

                       n  points  between        −10                 0                 +10
         quality      40     0.0  −8.8 and +8.8    ────────┼─────────●──────────────────    not shown within 5.0
           relevance  40     0.0  −8.8 and +8.8  ┊ ──────────────────●──────────────────    within 10.0

        Cost      $0.4 became $0.16, 0.400 times (between 0.400 and 0.400); tokens 0.953 times, price 0.420 times
        Latency   median 920 → 720 ms, 95th percentile 937 → 737 ms, 0.787 times (too few traces to bound it)
        Why       quality: cannot be told yet. The candidate is neither better nor worse (between 8.8 points worse and 8.8 points better); up to 5.0 points worse is allowed. 40 traces were tested.
        Why       latency: cannot be told from 40 traces, too few to bound a 95th percentile; it must take less than 1.25 times as long as today.
        ");
    }
}
