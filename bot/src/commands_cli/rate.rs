//! `governor rate`: prices usage records line by line.

use std::path::PathBuf;
use std::process::ExitCode;

use workflow_engine::usage::price::{map, record};

use super::{bad, print, read};

/// Price usage records line by line, to the last digit.
///
/// USAGE has one JSON object a line: id, usage_api, price_key, raw_usage (the vendor's own usage object) and context.
/// Each answer line says what was counted, at which unit price, and why.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  governor rate --prices prices.json usage.ndjson
  governor rate --prices prices.json - < usage.ndjson | jq -r .total_usd")]
pub struct Args {
    /// Prices in the format of LiteLLM's price map; numbers or decimal strings.
    #[arg(long, value_name = "PRICES.json")]
    prices: PathBuf,
    /// Usage records, one a line; `-` reads stdin.
    #[arg(value_name = "USAGE.ndjson")]
    usage: PathBuf,
}

/// Rates every line, or none when one is bad.
///
/// # Errors
/// When a file cannot be read or a line cannot be rated; names file, line and field.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let prices = map::parse(&read(&args.prices)?).map_err(|error| bad(&args.prices, error))?;
    let mut out = String::new();
    for (index, line) in read(&args.usage)?.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let rated = record::rate_line(line, &prices)
            .map_err(|error| bad(&args.usage, format!("line {}: {error}", index + 1)))?;
        out.push_str(&serde_json::to_string(&rated)?);
        out.push('\n');
    }
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}
