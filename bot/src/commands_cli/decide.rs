//! `governor decide`: the policy's answer to questions in a file, without a database.

use std::{path::PathBuf, process::ExitCode};

use chrono::NaiveDate;
use workflow_engine::{
    policy::{Rulebook, ask},
    ports::clock::Clock,
};

use super::{
    arguments, bad,
    catalog::{finish_faults, load_file},
    print, read,
};
use crate::clock::SystemClock;

/// Ask the policy about routes and calls: one answer a line, with the controls that failed and why.
///
/// REQUESTS has one JSON object a line: workflow, and route (the catalog's name, or a whole route) or else provider, model
/// and region of a call. Optional: id, phase (admission, full, traffic), on (a day), budget {limit, spent}, monthly_now,
/// report (what `governor analyze` wrote), measured_on, claims_savings, list_input_ratio.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  governor decide --catalog deploy/catalog.example.toml requests.ndjson
  echo '{\"workflow\":\"support-answer\",\"route\":\"gpt-4o-mini-0718-ap\"}' | governor decide --catalog deploy/catalog.example.toml -")]
pub struct Args {
    /// The catalog to ask.
    #[arg(long, value_name = "FILE")]
    catalog: PathBuf,
    /// The day of questions that name none; today when left out.
    #[arg(long, value_name = "DAY", value_parser = arguments::day)]
    on: Option<NaiveDate>,
    /// Questions, one a line; `-` reads stdin.
    #[arg(value_name = "REQUESTS.ndjson")]
    requests: PathBuf,
}

/// Answers every line, or none when one is bad.
///
/// # Errors
/// When a file cannot be read or a line cannot be asked; names file, line and field.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    finish_faults(answer(args).and_then(|said| {
        print(&said)?;
        Ok(ExitCode::SUCCESS)
    }))
}

/// What it prints.
///
/// # Errors
/// As [`run`].
pub fn answer(args: &Args) -> anyhow::Result<String> {
    let catalog = load_file(&args.catalog)?;
    let book = Rulebook::new(&catalog);
    let zone = catalog.company.time_zone;
    let today = args
        .on
        .unwrap_or_else(|| SystemClock.now().with_timezone(&zone).date_naive());
    let mut out = String::new();
    for (index, line) in read(&args.requests)?.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let reply = ask::answer(&book, line, today);
        let reply = reply.map_err(|error| bad(&args.requests, format!("line {}: {error}", index + 1)))?;
        out.push_str(&serde_json::to_string(&reply)?);
        out.push('\n');
    }
    Ok(out)
}
