//! `governor progress`: how far the shadow test of a change is, from any terminal beside the database.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use workflow_engine::{
    engine::{
        Engine,
        queries::change_view::{ChangeView, TestView},
    },
    evidence::figures::count,
    store::db::Db,
    values::{ChangeNumber, Usd},
};

use super::{Format, arguments, print};
use crate::{clock::SystemClock, config::Config};

/// How often it looks again.
const LOOK: Duration = Duration::from_secs(2);

/// How far the shadow test of a change is: calls replayed, money spent, time left.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor progress 142
  governor progress 142 --watch                  until the test has ended
  governor progress 142 --format json")]
pub struct Args {
    /// The change's number.
    #[arg(value_parser = arguments::change)]
    number: u64,
    /// Look again every two seconds until the test has ended.
    #[arg(long)]
    watch: bool,
    /// The settings file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs it: 0 when the change has a test, 1 when it has none.
///
/// # Errors
/// When the settings are wrong, the database cannot be read, or there is no such change.
pub async fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config.as_deref())?;
    let db = Db::open_for_reading(&config.database_url(), 2).await?;
    let engine = Engine::new(db, Arc::new(SystemClock));
    let number = ChangeNumber(args.number);
    loop {
        let view = engine.change_view(number).await?;
        let view = view.with_context(|| format!("there is no change {number}"))?;
        let text = match format {
            Format::Json => serde_json::to_string(&view.test)?,
            Format::Text => line(&view),
        };
        print(&format!("{text}\n"))?;
        let runs = view.test.as_ref().is_some_and(|test| test.finished_at.is_none());
        if !args.watch || !runs {
            return Ok(if view.test.is_some() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// How far it is, in one line.
#[must_use]
pub fn line(view: &ChangeView) -> String {
    let Some(test) = &view.test else {
        let none = if view.state.is_final() {
            "no test was run"
        } else {
            "no test yet"
        };
        return format!(
            "{} {} · {} · {none}",
            view.number,
            view.workflow,
            view.state.title()
        );
    };
    format!(
        "{} {} · {} · replayed {} of {} · {} of at most {}{}",
        view.number,
        view.workflow,
        standing(test),
        count(test.done.into()),
        count(test.total.into()),
        dollars(&test.spent_usd),
        dollars(&test.cap_usd),
        left(test)
    )
}

fn standing(test: &TestView) -> &'static str {
    match (test.finished_at, test.paused) {
        (Some(_), _) => "test ended",
        (None, true) => "test paused",
        (None, false) => "testing",
    }
}

fn left(test: &TestView) -> String {
    test.seconds_left
        .map(|seconds| format!(" · about {} min left", seconds.div_ceil(60)))
        .unwrap_or_default()
}

fn dollars(plain: &str) -> Usd {
    Usd(plain.parse().unwrap_or_default())
}
