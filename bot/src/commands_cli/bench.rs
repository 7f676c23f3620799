//! `governor bench`: measures this machine and this database.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::Subcommand;
use serde_json::Value;

use crate::{
    bench::{self, engine, ingest},
    commands_cli::{Format, print},
};

/// Measure this machine and this database.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor bench engine
  governor bench decide
  governor bench engine --database-url postgres://postgres@127.0.0.1:5432/empty --in-flight 32 --seconds 10
  governor bench engine --database-url postgres://postgres@127.0.0.1:5432/empty --history 1000000
  governor bench ingest --in-flight 4")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Change requests through the engine: seven committed transitions each, effects delivered, events sealed, beside
    /// what the database does without us.
    #[command(after_help = "Examples:
  governor bench engine
  governor bench engine --database-url postgres://postgres@127.0.0.1:5432/empty --in-flight 32 --seconds 10")]
    Engine(Engine),
    /// Calls through reader, mapping, prices and store, each stored once and durably.
    #[command(after_help = "Example:
  governor bench ingest --in-flight 4 --seconds 10")]
    Ingest(Load),
    /// The policy's answers for calls: ten controls, 200 workflows on 60 routes, one core.
    #[command(after_help = "Example:
  governor bench decide --seconds 3")]
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
    /// For how long; of what is compared, each.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

#[derive(Debug, clap::Args)]
struct Engine {
    #[command(flatten)]
    load: Load,
    /// Whether to measure the database's own speed in the same run: `pgbench` (where it is installed) for PostgreSQL, a
    /// plain connection for SQLite.
    #[arg(long, value_enum, default_value_t = Compare::Database)]
    compare: Compare,
    /// In how many turns; a ratio is the median of the turns' own.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Also measure beside this many finished changes in the tables.
    #[arg(long, default_value_t = 0)]
    history: u64,
    /// A table, or one JSON document; left out, a table on a terminal and JSON elsewhere.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Compare {
    /// With the database itself.
    #[value(alias = "pgbench")]
    Database,
    /// With nothing.
    Nothing,
}

/// Runs it and prints the figures; the engine's progress goes to stderr.
///
/// # Errors
/// When the database cannot be used.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let own = || format!("sqlite://{}", folder.path().join("bench.db").display());
    let url = |load: &Load| load.database_url.clone().unwrap_or_else(own);
    match &args.what {
        What::Engine(asked) => {
            let plan = engine::Plan {
                database_url: url(&asked.load),
                in_flight: asked.load.in_flight,
                seconds: asked.load.seconds,
                rounds: asked.rounds,
                compare: asked.compare == Compare::Database,
                history: asked.history,
            };
            let figures = engine::run(&plan, &progress).await?;
            let table = asked
                .format
                .map_or_else(|| io::stdout().is_terminal(), |format| format == Format::Text);
            print_figures(&figures, table)?;
        }
        What::Ingest(load) => {
            let plan = ingest::Plan {
                database_url: url(load),
                in_flight: load.in_flight,
                seconds: load.seconds,
            };
            print_figures(&ingest::run(&plan).await?, false)?;
        }
        What::Decide { seconds } => print_figures(&bench::decide::run(*seconds)?, false)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print_figures(figures: &Value, table: bool) -> anyhow::Result<()> {
    if table {
        return print(&engine::table(figures));
    }
    print(&format!("{figures}\n"))
}

fn progress(line: &str) {
    // Without a stderr it is measured all the same.
    drop(writeln!(io::stderr(), "{line}"));
}
