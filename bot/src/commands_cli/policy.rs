//! `governor policy`: what the policy says of every workflow on every route, before it is in force.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use chrono::NaiveDate;
use clap::{ArgGroup, Subcommand, ValueEnum};
use comfy_table::{Table, presets};
use workflow_engine::{
    catalog::{Catalog, CatalogFault, CatalogFaults},
    engine::{Engine, policy::PolicyProposal},
    policy::{
        Answer, Phase,
        cedar::{SCHEMA_TEXT, read::RuleFault, rules::OwnRules, shipped},
        change::PolicyParts,
        what_if::{Cell, WhatIf, what_if},
    },
    ports::clock::Clock,
    store::db::Db,
    values::PersonId,
};

use super::{
    Format, arguments,
    catalog::{finish_faults, load_file},
    print, read,
};
use crate::{clock::SystemClock, config::Config, storage};

/// Try a policy before it is in force: which workflow may use which route, and what would be decided differently.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  governor policy what-if --catalog catalog.toml                            which workflow may not use which route, and why
  governor policy what-if --catalog catalog.toml --rules new.cedar          what these rules would decide differently
  governor policy what-if --catalog now.toml --catalog next.toml --all      every pair under two catalogs
  governor policy propose --as ana --rules new.cedar --reason \"EU only\"     ask for them; in force once approved
  governor policy check new.cedar                                           line and column of everything wrong with it
  governor policy show schema                                               what a rule may look at")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Ask about every workflow on every route; with two catalogs, or with rules, show what would be decided differently.
    #[command(
        name = "what-if",
        after_help = "Examples:
  governor policy what-if --catalog catalog.toml                     which workflow may not use which route, and why
  governor policy what-if --catalog catalog.toml --rules new.cedar   what these rules would decide differently"
    )]
    Matrix {
        /// The catalog in force; a second one is what it is compared with.
        #[arg(long, value_name = "FILE", required = true, num_args = 1)]
        catalog: Vec<PathBuf>,
        /// Own rules (Cedar) to try in place of the catalog's.
        #[arg(long, value_name = "FILE")]
        rules: Option<PathBuf>,
        /// Which question: may it be shown the data (admission), or may a call be made (traffic)?
        #[arg(long, value_enum, default_value = "admission")]
        phase: Question,
        /// The day on which facts are read; today when left out.
        #[arg(long, value_name = "DAY", value_parser = arguments::day)]
        on: Option<NaiveDate>,
        /// Show every pair, also those that are permitted or stay as they are.
        #[arg(long)]
        all: bool,
    },
    /// File a change that asks for another policy: in force once those whom the catalog names have agreed.
    #[command(
        group = ArgGroup::new("asked").required(true).args(["rules", "catalog"]),
        after_help = "Examples:
  governor policy propose --as ana --rules new.cedar --reason \"EU only\"
  governor policy propose --as ana --catalog next.toml"
    )]
    Propose {
        /// The person of the catalog who proposes it.
        #[arg(long = "as", value_name = "PERSON")]
        requester: String,
        /// Own rules (Cedar) in place of the catalog's.
        #[arg(long, value_name = "FILE")]
        rules: Option<PathBuf>,
        /// A catalog file whose policy, approval rules, data classes and controls are taken.
        #[arg(long, value_name = "FILE")]
        catalog: Option<PathBuf>,
        /// Why, in a sentence; approvers read it first.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// The settings file.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Check own rules (Cedar) strictly; exit code 2 when something is wrong.
    #[command(after_help = "Example:
  governor policy check new.cedar")]
    Check {
        /// The rules; `-` reads stdin.
        rules: PathBuf,
    },
    /// Print what rules may look at, the ten controls as Cedar policies, or the control table with its frameworks.
    #[command(after_help = "Examples:
  governor policy show schema
  governor policy show frameworks | jq -r '.[].id'")]
    Show {
        /// Which.
        what: Shown,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Question {
    Admission,
    Traffic,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shown {
    Schema,
    Controls,
    Frameworks,
}

/// Runs it.
///
/// # Errors
/// When a file cannot be read or is wrong; names file, line and column.
pub async fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    finish_faults(answer(args, format).await.and_then(|said| {
        print(&said)?;
        Ok(ExitCode::SUCCESS)
    }))
}

/// What it prints.
///
/// # Errors
/// As [`run`].
pub async fn answer(args: &Args, format: Format) -> anyhow::Result<String> {
    match &args.what {
        What::Check { rules } => {
            let count = OwnRules::parse(&rules_of(rules)?).map_or(0, |rules| rules.all().len());
            Ok(format!("{count} rules, nothing is wrong with them.\n"))
        }
        What::Show { what } => shown(*what),
        What::Propose {
            requester,
            rules,
            catalog,
            reason,
            config,
        } => {
            let engine = engine(config.as_deref()).await?;
            let (_, now) = engine.catalog().await?;
            let mut parts = PolicyParts::of(&now);
            if let Some(file) = catalog {
                parts = PolicyParts::of(&load_file(file)?);
            }
            if let Some(file) = rules {
                parts.policy.rules = rules_of(file)?;
            }
            let review = engine.policy_review(&parts.in_place_of(&now)).await?;
            let key = format!("policy-propose:{requester}:{}", parts.digest());
            let proposal = PolicyProposal {
                requester: PersonId::from(requester.as_str()),
                key,
                parts,
                reason: reason.as_deref().map(|text| engine.note(text)),
            };
            let outcome = engine.propose_policy(proposal).await?;
            Ok(match format {
                Format::Json => format!(
                    "{}\n",
                    serde_json::json!({"number": outcome.number, "review": review})
                ),
                Format::Text => format!("Change #{} asks for it. {}\n", outcome.number.0, review.meaning()),
            })
        }
        What::Matrix {
            catalog,
            rules,
            phase,
            on,
            all,
        } => {
            let (before, after) = sides(catalog, rules.as_deref())?;
            let zone = after.company.time_zone;
            let today = on.unwrap_or_else(|| SystemClock.now().with_timezone(&zone).date_naive());
            let phase = match phase {
                Question::Admission => Phase::Admission,
                Question::Traffic => Phase::Traffic,
            };
            let said = what_if(before.as_ref(), &after, (phase, today));
            match format {
                Format::Json => Ok(format!("{}\n", serde_json::to_string(&said)?)),
                Format::Text => Ok(text(&said, before.is_some(), *all)),
            }
        }
    }
}

async fn engine(config: Option<&Path>) -> anyhow::Result<Engine> {
    let config = Config::load(config)?;
    // Its writes take turns with those of a service on the same SQLite file.
    let db = Db::open_beside(&config.database_url()).await?;
    storage::up_to_date(&db).await?;
    Ok(Engine::new(db, Arc::new(SystemClock)))
}

/// The policy before, if there is something to compare with, and after.
fn sides(catalogs: &[PathBuf], rules: Option<&Path>) -> anyhow::Result<(Option<Catalog>, Catalog)> {
    anyhow::ensure!(
        catalogs.len() <= 2,
        "--catalog: at most two, the one in force and the one to try"
    );
    let loaded: Vec<Catalog> = catalogs
        .iter()
        .map(|file| load_file(file))
        .collect::<anyhow::Result<_>>()?;
    let mut loaded = loaded.into_iter();
    let first = loaded.next().unwrap_or_default();
    let second = loaded.next();
    match rules {
        Some(file) => {
            let mut tried = second.unwrap_or_else(|| first.clone());
            tried.policy.rules = rules_of(file)?;
            Ok((Some(first), tried))
        }
        None => match second {
            Some(second) => Ok((Some(first), second)),
            None => Ok((None, first)),
        },
    }
}

/// The text of a rules file; everything that is wrong with it otherwise.
fn rules_of(file: &Path) -> anyhow::Result<String> {
    let text = read(file)?;
    let Err(faults) = OwnRules::parse(&text) else {
        return Ok(text);
    };
    let fault = |fault: RuleFault| CatalogFault {
        line: fault.line,
        column: fault.column,
        path: String::new(),
        what: fault.sentence(),
        nearest: fault.nearest,
    };
    Err(CatalogFaults {
        file: file.display().to_string(),
        faults: faults.into_iter().map(fault).collect(),
    }
    .into())
}

fn shown(what: Shown) -> anyhow::Result<String> {
    Ok(match what {
        Shown::Schema => SCHEMA_TEXT.to_owned(),
        Shown::Controls => shipped::TEXTS.map(|(_, text)| text).join("\n"),
        Shown::Frameworks => {
            let table = workflow_engine::policy::controls::shipped();
            format!("{}\n", serde_json::to_string_pretty(table)?)
        }
    })
}

/// A table of the pairs that matter, the warnings, and one sentence that counts.
fn text(said: &WhatIf, compared: bool, all: bool) -> String {
    let matters = |cell: &&Cell| match compared {
        _ if all => true,
        true => cell.flips(),
        false => cell.now.decision == Answer::Deny,
    };
    let kept: Vec<&Cell> = said.cells.iter().filter(matters).collect();
    let mut out = String::new();
    if !kept.is_empty() {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["workflow", "route", "answer", "decided by", "why"]);
        for cell in &kept {
            table.add_row([
                cell.workflow.as_str(),
                cell.route.as_str(),
                &answer_of(cell),
                &cell.now.determining.join(", "),
                &cell.now.why,
            ]);
        }
        let _ = writeln!(out, "{table}\n");
    }
    for warning in &said.warnings {
        let _ = writeln!(out, "Warning: {warning}");
    }
    let denied = said
        .cells
        .iter()
        .filter(|cell| cell.now.decision == Answer::Deny)
        .count();
    let _ = write!(
        out,
        "{} pairs, {} permitted, {denied} denied",
        said.cells.len(),
        said.cells.len() - denied
    );
    if compared {
        let flips = said.cells.iter().filter(|cell| cell.flips()).count();
        let _ = write!(out, "; {flips} would be decided differently");
    }
    out + ".\n"
}

fn answer_of(cell: &Cell) -> String {
    let word = |answer| match answer {
        Answer::Permit => "permit",
        Answer::Deny => "deny",
    };
    match cell.before.as_ref().filter(|_| cell.flips()) {
        Some(before) => format!("{} → {}", word(before.decision), word(cell.now.decision)),
        None => word(cell.now.decision).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        args: Args,
    }

    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/catalog.example.toml");

    fn said(words: &[&str]) -> String {
        let program = Program::parse_from(["policy"].iter().chain(words));
        let asked = answer(&program.args, Format::Text);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime
            .block_on(asked)
            .unwrap_or_else(|error| format!("{error:#}"))
    }

    #[test]
    fn the_pairs_that_are_denied_stand_in_a_table_with_the_reason() {
        let said = said(&["what-if", "--catalog", EXAMPLE, "--on", "2026-11-24"]);
        assert!(
            said.contains("gpt-4o-mini-0718-ap") && said.contains("residency"),
            "{said}"
        );
        assert!(said.ends_with("12 pairs, 10 permitted, 2 denied.\n"), "{said}");
    }

    #[test]
    fn rules_to_try_are_compared_with_the_catalog_and_a_slip_in_them_is_said_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new.cedar");
        std::fs::write(&file, "@id(\"us\") forbid (principal, action, resource) unless { resource has region && resource.region == \"eu\" };").unwrap();
        let path = file.display().to_string();
        let tried = said(&[
            "what-if",
            "--catalog",
            EXAMPLE,
            "--rules",
            &path,
            "--on",
            "2026-11-24",
        ]);
        assert!(
            tried.contains("permit → deny") && tried.contains("Warning: The rule us denies everything"),
            "{tried}"
        );
        std::fs::write(
            &file,
            "@id(\"us\")\nforbid (principal, action, resource) when { resource.regoin == \"eu\" };",
        )
        .unwrap();
        let wrong = said(&["check", &path]);
        assert!(
            wrong.contains("new.cedar:2:45: rule \"us\": ") && wrong.contains("did you mean \"region\"?"),
            "{wrong}"
        );
    }

    #[test]
    fn the_schema_and_the_controls_can_be_taken_to_other_tools() {
        assert!(said(&["show", "schema"]).contains("entity Route"));
        assert_eq!(said(&["show", "controls"]).matches("@id(").count(), 10);
        assert!(said(&["show", "frameworks"]).contains("FINOS AIR-PREV-010"));
    }
}
