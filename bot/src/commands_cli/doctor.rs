//! `governor doctor`: looks at everything the settings name and says what is risky and how to mend it.

use std::process::ExitCode;

use comfy_table::{Table, presets};
use serde_json::json;

use super::{Format, ledger::source::ConfigFile, print};
use crate::doctor::{self, Finding, Severity};

/// Check settings, files, database, ledger key, chat, gateways and vendors; say what is risky and how to mend it.
///
/// Changes nothing and is safe beside a running service. Exit 1 when something is a fault; risks and notes are only said.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor doctor
  governor doctor --config /etc/governor.toml --format json | jq '.findings[] | select(.severity != \"ok\")'")]
pub struct Args {
    /// Faults only end with 1 when left out; with it risks do, too
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Runs it.
///
/// # Errors
/// When the settings are wrong.
pub async fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    let findings = doctor::examine(&args.config.load()?).await;
    let worst = findings.iter().map(|finding| finding.severity).max();
    let limit = if args.strict {
        Severity::Risk
    } else {
        Severity::Fault
    };
    let holds = worst.is_none_or(|worst| worst < limit);
    print(&match format {
        Format::Json => format!("{}\n", json!({"ok": holds, "findings": findings})),
        Format::Text => text(&findings),
    })?;
    Ok(ExitCode::from(u8::from(!holds)))
}

/// Worst first; what is in order comes last, in short.
fn text(findings: &[Finding]) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for finding in &sorted {
        let word = match finding.severity {
            Severity::Fault => "fault",
            Severity::Risk => "risk",
            Severity::Note => "note",
            Severity::Ok => "ok",
        };
        let fix = if finding.fix.is_empty() {
            String::new()
        } else {
            format!("\n→ {}", finding.fix)
        };
        table.add_row([
            word.to_owned(),
            finding.area.clone(),
            format!("{}{fix}", finding.what),
        ]);
    }
    let count = |severity| {
        findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    format!(
        "{table}\n\n{} faults, {} risks, {} notes, {} in order.\n",
        count(Severity::Fault),
        count(Severity::Risk),
        count(Severity::Note),
        count(Severity::Ok)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first_and_says_what_to_do() {
        let finding = |severity, what: &str, fix: &str| Finding {
            area: "database".to_owned(),
            severity,
            what: what.to_owned(),
            fix: fix.to_owned(),
        };
        let said = text(&[
            finding(Severity::Ok, "the schema is up to date", ""),
            finding(
                Severity::Fault,
                "fsync is off: a power cut can destroy the database",
                "ALTER SYSTEM SET fsync = on",
            ),
        ]);
        let lines: Vec<&str> = said.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "fault  database  fsync is off: a power cut can destroy the database",
                "→ ALTER SYSTEM SET fsync = on",
                "ok     database  the schema is up to date",
                "",
                "1 faults, 0 risks, 0 notes, 1 in order."
            ]
        );
    }
}
