//! `governor bench`: measures this machine and this database.

use std::process::ExitCode;

use clap::Subcommand;

use crate::{
    bench::{self, engine::Plan},
    commands_cli::print,
};

/// Measure this machine and this database.
///
/// Examples:
///   governor bench engine
///   governor bench decide
///   governor bench engine --database-url postgres://postgres@127.0.0.1:5432/empty --in-flight 32 --seconds 10
///   governor bench ingest --in-flight 4
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Change requests through the engine: seven committed transitions each, effects delivered.
    Engine(Load),
    /// Calls through reader, mapping, prices and store, each stored once and durably.
    Ingest(Load),
    /// The policy's answers for calls: ten controls, 200 workflows on 60 routes, one core.
    Decide {
        /// For how long.
        #[arg(long, default_value_t = 3)]
        seconds: u64,
    },
}

#[derive(Debug, clap::Args)]
struct Load {
    /// An empty database; a SQLite file in a temporary folder when left out.
    #[arg(long)]
    database_url: Option<String>,
    /// Workflows or senders at once.
    #[arg(long, default_value_t = 32)]
    in_flight: u32,
    /// For how long.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Runs it and prints one JSON document.
///
/// # Errors
/// When the database cannot be used.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let own = || format!("sqlite://{}", folder.path().join("bench.db").display());
    let plan = |load: &Load| Plan {
        database_url: load.database_url.clone().unwrap_or_else(own),
        in_flight: load.in_flight,
        seconds: load.seconds,
    };
    let figures = match &args.what {
        What::Engine(load) => bench::engine::run(&plan(load)).await?,
        What::Ingest(load) => bench::ingest::run(&plan(load)).await?,
        What::Decide { seconds } => bench::decide::run(*seconds)?,
    };
    print(&format!("{figures}\n"))?;
    Ok(ExitCode::SUCCESS)
}
