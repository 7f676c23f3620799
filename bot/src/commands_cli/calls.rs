//! `governor calls`: calls as files, out of and into the database.

use std::{
    io::{Read, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde_json::json;
use workflow_engine::{
    engine::{Engine, record::Recorder},
    store::{
        calls::{
            CallStore, RecordError,
            read::{Filter, PAGE},
        },
        db::Db,
    },
    usage::report::{Delivery, Recorded, Reject},
    values::WorkflowId,
};

use super::{Format, arguments, bad, print};
use crate::{calls::sniff, clock::SystemClock, config::Config, prices, storage};

/// Reports of one import that are stored in one commit.
const CHUNK: usize = 2_000;
/// Records of one file that could not be read and are named.
const SAID: usize = 5;
/// Longest file, unpacked.
const LONGEST: u64 = 4 << 30;

/// Calls as files: export rows, import what any source wrote.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor calls export --since 2026-10-01 --until 2026-11-01 > october.ndjson
  governor calls import --source litellm-prod backlog/*.json.gz")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Export(Export),
    Import(Import),
}

/// Write calls as NDJSON, the oldest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor calls export --since 2026-10-01 --until 2026-11-01 > october.ndjson
  governor calls export --workflow support-answer | jq -r .route_model | sort | uniq -c")]
struct Export {
    /// First start: RFC 3339, or a day (UTC)
    #[arg(long, value_name = "T", value_parser = arguments::moment)]
    since: Option<DateTime<Utc>>,
    /// Starts before this: RFC 3339, or a day (UTC)
    #[arg(long, value_name = "T", value_parser = arguments::moment)]
    until: Option<DateTime<Utc>>,
    /// Only calls of that workflow
    #[arg(long)]
    workflow: Option<String>,
    /// Only calls from that source
    #[arg(long)]
    source: Option<String>,
    /// The configuration; `governor.toml` in the working directory when left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Store calls from files: rows of `calls export`, LiteLLM callbacks, OTLP traces (JSON or protobuf); also gzipped.
///
/// The same file again adds nothing: a record is known by its source and its id. Exits 1 when no record could be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor calls import --source litellm-prod backlog/*.json.gz
  governor calls import --source old-governor october.ndjson --format json")]
struct Import {
    /// The source that the calls are stored under
    #[arg(long, value_parser = arguments::name)]
    source: String,
    /// The files; `-` reads stdin
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The configuration; `governor.toml` in the working directory when left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// When the settings are wrong, the database cannot be reached, or a file cannot be read; names the file and the place.
pub async fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Export(args) => export(args).await,
        Command::Import(args) => import(args, format).await,
    }
}

async fn export(args: &Export) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config.as_deref())?;
    let calls = open(&config).await?;
    let filter = Filter {
        since: args.since,
        until: args.until,
        workflow: args.workflow.as_deref().map(WorkflowId::from),
        source: args.source.clone(),
        ..Filter::default()
    };
    let mut cursor = None;
    loop {
        let page = calls.list_oldest(&filter, cursor, PAGE).await?;
        let mut out = String::new();
        for call in &page.items {
            out.push_str(&serde_json::to_string(call)?);
            out.push('\n');
        }
        print(&out)?;
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

async fn open(config: &Config) -> anyhow::Result<CallStore> {
    let calls = storage::connect_calls(
        &config.calls_url(),
        config.database.calls_max_connections,
        Arc::new(SystemClock),
    )
    .await?;
    let missing = storage::pending_calls(&calls).await?;
    anyhow::ensure!(
        missing.is_empty(),
        "the database of calls lacks {} migrations; run `governor migrate`",
        missing.len()
    );
    Ok(calls)
}

async fn import(args: &Import, format: Format) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config.as_deref())?;
    let db = Db::open_for_reading(&config.database_url(), 2).await?;
    let engine = Engine::new(db, Arc::new(SystemClock));
    let recorder = Recorder::new(engine, open(&config).await?, prices::book()?);
    recorder.calls().prepare().await?;
    let mut sum = Recorded::default();
    for file in &args.files {
        let body = unpacked(file)?;
        anyhow::ensure!(
            !sniff::is_other_text(&body),
            bad(
                file,
                "this is text, but not JSON; rows of `calls export`, LiteLLM callbacks and OTLP traces are"
            )
        );
        let delivery = sniff::source(&body)
            .receive(&args.source, &body)
            .map_err(|error| bad(file, error))?;
        say_rejects(file, &delivery.rejects)?;
        for part in pieces(delivery) {
            add(
                &mut sum,
                store(&recorder, &args.source, part)
                    .await
                    .map_err(|error| bad(file, error))?,
            );
        }
    }
    while recorder.calls().fold().await? > 0 {}
    print(&match format {
        Format::Json => format!("{}\n", serde_json::to_string(&json!(sum))?),
        Format::Text => format!(
            "{} new, {} completed, {} already there, {} could not be read and are kept as rejects\n",
            sum.new, sum.completed, sum.duplicates, sum.rejected
        ),
    })?;
    let nothing = sum.new + sum.completed + sum.duplicates == 0;
    Ok(ExitCode::from(u8::from(nothing && sum.rejected > 0)))
}

/// The first of what could not be read, with the reason, on stderr.
fn say_rejects(file: &Path, rejects: &[Reject]) -> anyhow::Result<()> {
    let mut err = std::io::stderr().lock();
    for reject in rejects.iter().take(SAID) {
        writeln!(err, "{}: {}: {}", file.display(), reject.place, reject.reason)?;
    }
    if rejects.len() > SAID {
        writeln!(err, "{}: … and {} more", file.display(), rejects.len() - SAID)?;
    }
    Ok(())
}

async fn store(recorder: &Recorder, source: &str, part: Delivery) -> Result<Recorded, RecordError> {
    // Nobody else waits in this program: the queue has room.
    recorder.record(source, part, 0).await
}

fn add(sum: &mut Recorded, more: Recorded) {
    sum.new += more.new;
    sum.duplicates += more.duplicates;
    sum.completed += more.completed;
    sum.rejected += more.rejected;
}

/// A delivery in commits of a bearable size; spans that are no calls go first, so that calls find them.
fn pieces(mut delivery: Delivery) -> Vec<Delivery> {
    let mut out = vec![Delivery {
        notes: std::mem::take(&mut delivery.notes),
        rejects: std::mem::take(&mut delivery.rejects),
        ..Delivery::default()
    }];
    let mut reports = delivery.reports.into_iter().peekable();
    while reports.peek().is_some() {
        out.push(Delivery {
            reports: reports.by_ref().take(CHUNK).collect(),
            ..Delivery::default()
        });
    }
    out
}

/// The bytes of a file, unpacked if it is gzipped.
fn unpacked(file: &Path) -> anyhow::Result<Bytes> {
    let name = || file.display().to_string();
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).context("stdin")?;
    } else {
        bytes = std::fs::read(file).with_context(name)?;
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .take(LONGEST)
            .read_to_end(&mut plain)
            .with_context(name)?;
        bytes = plain;
    }
    Ok(Bytes::from(bytes))
}
