//! The commands of the program: one file a command with its `Args` and `run`.
//!
//! Exit codes: 0 done, 1 a check does not hold, 2 bad usage or bad input with one line on stderr.

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use serde_json::Value;

pub mod allocate;
pub mod analyze;
pub mod backup;
pub mod bench;
pub mod calls;
pub mod catalog;
pub mod chat;
pub mod decide;
pub mod demo;
pub mod doctor;
pub mod forecast;
pub mod ledger;
pub mod migrate;
pub mod packet;
pub mod policy;
pub mod progress;
pub mod rate;
pub mod reconcile;
pub mod restore;
pub mod serve;
pub mod statement;
pub mod token;
pub mod variance;
pub mod witness;

/// How results are written to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// Exactly one JSON document, or one a line where a list is written.
    Json,
}

/// Ends the program: the command's exit code, or 2 with one line on stderr.
#[must_use]
pub fn finish(outcome: anyhow::Result<ExitCode>) -> ExitCode {
    match outcome {
        Ok(code) => code,
        // Whoever reads our output has heard enough (`governor … | head`).
        Err(error) if broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere left to complain to when stderr is gone.
            let _ = writeln!(io::stderr(), "governor: {}", one_line(&format!("{error:#}")));
            ExitCode::from(2)
        }
    }
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of a file, `-` for stdin.
///
/// # Errors
/// When it cannot be read or is not UTF-8; the error names the file.
pub fn read(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().read_to_end(&mut bytes).context("stdin")?;
    } else {
        bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        anyhow::anyhow!("{}: line {line}: not UTF-8 text", path.display())
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The complaint about a file.
fn bad(path: &Path, what: impl Display) -> anyhow::Error {
    anyhow::anyhow!("{}: {what}", path.display())
}

/// Writes `text` to stdout at once.
///
/// # Errors
/// When stdout is gone.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Answers a JSON file with a JSON document.
fn answer<E: Display>(path: &Path, calculate: fn(&str) -> Result<Value, E>) -> anyhow::Result<ExitCode> {
    let answer = calculate(&read(path)?).map_err(|error| bad(path, error))?;
    print(&format!("{}\n", serde_json::to_string_pretty(&answer)?))?;
    Ok(ExitCode::SUCCESS)
}
