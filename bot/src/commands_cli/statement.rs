//! `governor statement`: a month's charges as a CSV file with its manifest.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use serde_json::json;
use workflow_engine::{
    engine::Engine,
    finance::{period::Period, statement::Row},
    store::db::Db,
    values::{Digest, Usd},
};

use super::{Format, print};
use crate::{clock::SystemClock, config::Config, jobs::digest::cell, storage};

/// Write a month's charges, every cent on one line.
///
/// Beside FILE stands FILE.manifest.json with the number of rows, the sum of each cost column and the file's SHA-256.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor statement --period 2026-10 --out october.csv
  governor statement --period 2026-10 --format json | jq .total_usd")]
pub struct Args {
    /// The month, such as 2026-10.
    #[arg(long, value_name = "MONTH")]
    period: String,
    /// The CSV file; without it the statement goes to stdout.
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
    /// The settings file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// When the month or the settings are wrong, or a database or the file cannot be reached.
pub async fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    let Some(month) = Period::month(&args.period) else {
        bail!("--period: `{}` is no month; write it as 2026-10", args.period);
    };
    let config = Config::load(args.config.as_deref())?;
    let clock = Arc::new(SystemClock);
    let db = Db::open_beside(&config.database_url()).await?;
    storage::up_to_date(&db).await?;
    let calls = storage::connect_calls(
        &config.calls_url(),
        config.database.calls_max_connections,
        clock.clone(),
    )
    .await?;
    let rows = Engine::new(db, clock).statement(&calls, month).await?;
    let csv = csv(&rows);
    match &args.out {
        Some(path) => write(path, &csv, &rows)?,
        None if format == Format::Json => {
            let total: Usd = rows.iter().map(|row| row.cost_usd).sum();
            print(&format!(
                "{}\n",
                json!({"period": month.key(), "total_usd": total, "items": rows})
            ))?;
        }
        None => print(&csv)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, csv: &str, rows: &[Row]) -> anyhow::Result<()> {
    let manifest = json!({
        "rows": rows.len(),
        "sums": {"cost_usd": rows.iter().map(|row| row.cost_usd).sum::<Usd>().plain()},
        "sha256": Digest::of(csv.as_bytes()),
    });
    let beside = PathBuf::from(format!("{}.manifest.json", path.display()));
    std::fs::write(path, csv).with_context(|| path.display().to_string())?;
    std::fs::write(&beside, format!("{manifest:#}\n")).with_context(|| beside.display().to_string())
}

/// A stable order of columns; amounts exact, texts guarded against spreadsheets that calculate.
fn csv(rows: &[Row]) -> String {
    let mut out = String::from(
        "period,allocation,reason,cost_center,cost_center_name,workflow,workflow_name,owner,provider,model,calls,cost_usd,reported_usd\r\n",
    );
    for row in rows {
        let texts = [
            row.period.as_str(),
            row.allocation,
            row.reason,
            &row.cost_center,
            &row.cost_center_name,
            &row.workflow,
            &row.workflow_name,
            &row.owner,
            &row.provider,
            &row.model,
        ];
        let mut cells: Vec<String> = texts.into_iter().map(cell).collect();
        cells.extend([
            row.calls.to_string(),
            row.cost_usd.plain(),
            row.reported_usd.plain(),
        ]);
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}
