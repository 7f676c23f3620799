//! Where log lines go: stderr, as text or JSON; stdout is for answers.

use std::io::{IsTerminal as _, stderr};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogFormat, Telemetry};

/// Starts logging as the settings say.
///
/// # Errors
/// When `telemetry.log` is no filter.
pub fn start(settings: &Telemetry) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log).context("telemetry.log")?;
    let lines = fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(coloured());
    // A second start in one process keeps the first: tests do that.
    drop(match settings.format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().try_init(),
    });
    Ok(())
}

/// Logs only what goes wrong: for commands whose stderr a person reads.
pub fn quiet() {
    let filter = EnvFilter::new("error");
    drop(
        fmt()
            .with_env_filter(filter)
            .with_writer(stderr)
            .with_ansi(coloured())
            .try_init(),
    );
}

/// Whether a person looks, and does not say otherwise (<https://no-color.org>): a file or a journal keeps plain lines.
fn coloured() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}
