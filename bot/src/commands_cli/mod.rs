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
mod arguments;
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
            let _ = writeln!(io::stderr(), "governor: {}", one_line(&in_words(&error)));
            ExitCode::from(2)
        }
    }
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The error and what it came from, with the operating system's part in words and without its number.
fn in_words(error: &anyhow::Error) -> String {
    let said = error
        .chain()
        .map(|cause| match cause.downcast_ref::<io::Error>() {
            Some(cause) => of_the_system(cause),
            None => without_number(&cause.to_string()),
        });
    said.collect::<Vec<_>>().join(": ")
}

fn of_the_system(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder, and a file is needed".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is a file, not a folder".to_owned(),
        io::ErrorKind::AlreadyExists => "it is there already".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not do that there".to_owned(),
        _ => without_number(&error.to_string()),
    }
}

fn without_number(text: &str) -> String {
    match text.split_once(" (os error ") {
        Some((before, after)) => {
            let rest = after.split_once(')').map_or("", |(_, rest)| rest);
            format!("{before}{rest}")
        }
        None => text.to_owned(),
    }
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
        bad(path, format!("line {line}: not UTF-8 text"))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The complaint about a file.
fn bad(path: &Path, what: impl Display) -> anyhow::Error {
    if path == Path::new("-") {
        return anyhow::anyhow!("stdin: {what}");
    }
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
    let text = read(path)?;
    if text.trim().is_empty() {
        return Err(bad(path, "it is empty; one JSON document is needed"));
    }
    let answer = calculate(&text).map_err(|error| bad(path, error))?;
    print(&format!("{}\n", serde_json::to_string_pretty(&answer)?))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_told_in_words_and_names_the_file() {
        let missing = in_words(&read(Path::new("/nowhere/x.json")).unwrap_err());
        assert_eq!(missing, "/nowhere/x.json: there is no such file or folder");
        let folder = in_words(&read(Path::new("/tmp")).unwrap_err());
        assert_eq!(folder, "/tmp: it is a folder, and a file is needed");
        assert_eq!(
            without_number("cannot be written (No space left on device (os error 28)); free some"),
            "cannot be written (No space left on device); free some"
        );
    }
}
