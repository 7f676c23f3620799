//! `cargo xtask soak`: the long form of the soak that the tests run for less than a minute.

use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use tests::{
    db::Kind,
    soak::{self, Plan},
};

/// Run replicas of the real program under load while everything around them breaks, then check that nothing was lost.
///
/// People file changes, vote, comment, withdraw and roll back over HTTP and in chat. Meanwhile replicas are killed, frozen
/// past their leases and stopped, the database crashes and refuses connections, clocks run wrong, hours pass at once.
/// Afterwards every acknowledged command must be in the ledger exactly once, every effect must have reached its receiver
/// once, and nothing may be left undone. Exit 1: a rule does not hold.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask soak                          ten minutes on PostgreSQL (which must be installed)
  cargo xtask soak --seed 7 --keep out      the faults of seed 7; logs and settings stay in ./out
  cargo xtask soak --sqlite --minutes 2     one replica on SQLite, killed again and again")]
pub(crate) struct Args {
    /// For how long things are broken; a minute or two of setting up and coming to rest are added
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Decides what breaks when, and what people do
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Replicas on PostgreSQL
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    replicas: u8,
    /// SQLite with its one replica instead of PostgreSQL
    #[arg(long)]
    sqlite: bool,
    /// Where logs, settings and the list of faults are kept; without it they go when every rule holds
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Another dev build of the program (a release build's clock cannot be set wrong); else it is built here
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// Runs it and prints its report.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let temporary = tempfile::tempdir()?;
    let home = match &args.keep {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            folder.canonicalize()?
        }
        None => temporary.path().to_owned(),
    };
    let program = match &args.program {
        Some(program) => program
            .canonicalize()
            .with_context(|| format!("{} is not there", program.display()))?,
        None => soak::program()?,
    };
    let plan = Plan {
        program,
        kind: if args.sqlite { Kind::Sqlite } else { Kind::Postgres },
        replicas: if args.sqlite {
            1
        } else {
            usize::from(args.replicas)
        },
        time: Duration::from_secs_f64(args.minutes * 60.0),
        seed: args.seed,
        home,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(soak::run(&plan))?;
    let report =
        report.context("there is no PostgreSQL server here; apt-get install postgresql-15 brings one")?;
    write!(std::io::stdout(), "{report}")?;
    if report.holds() {
        return Ok(ExitCode::SUCCESS);
    }
    let kept = temporary.keep();
    let shown = args.keep.as_deref().unwrap_or(&kept);
    writeln!(std::io::stdout(), "Logs are in {}.", shown.display())?;
    Ok(ExitCode::FAILURE)
}
