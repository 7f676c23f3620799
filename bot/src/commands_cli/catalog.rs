//! `governor catalog`: what is governed, as one file that is compared, applied and written out.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use clap::Subcommand;
use serde_json::json;
use workflow_engine::{
    catalog::{Catalog, CatalogFaults, Difference, diff, export, load},
    engine::Engine,
    store::db::Db,
    values::{Actor, PersonId},
};

use super::{Format, print, read};
use crate::{clock::SystemClock, config::Config, storage};

/// Compare, apply and write out the catalog: workflows, people, routes, vendors' facts, budgets, policy.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  governor catalog diff catalog.toml     what would change; exit code 1 when something would
  governor catalog apply catalog.toml    make it so; the same file twice changes nothing
  governor catalog export catalog.toml   write what holds now, with comments")]
pub struct Args {
    #[command(subcommand)]
    what: What,
    /// The settings file.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum What {
    /// Make the file the catalog that holds. Says what it changed.
    #[command(after_help = "Examples:
  governor catalog apply catalog.toml
  governor catalog apply catalog.toml --as ana")]
    Apply {
        /// The catalog file; `-` reads stdin.
        file: PathBuf,
        /// The person of the catalog who applies it: barred for some days from approving what relies on the parts changed.
        #[arg(long = "as", value_name = "PERSON")]
        editor: Option<String>,
    },
    /// Say what applying the file would change; exit code 1 when something would.
    #[command(after_help = "Example:
  governor catalog diff catalog.toml && echo 'nothing to apply'")]
    Diff {
        /// The catalog file; `-` reads stdin.
        file: PathBuf,
    },
    /// Write the catalog that holds to the file; `-` writes to stdout.
    #[command(after_help = "Examples:
  governor catalog export catalog.toml
  governor catalog export --format json | jq -r '.workflows[].id'")]
    Export {
        /// Where to.
        #[arg(default_value = "-")]
        file: PathBuf,
    },
}

/// Runs it.
///
/// # Errors
/// When settings or files are wrong, or the database cannot be used.
pub async fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    let answered = answer(args, format).await;
    finish_faults(answered.and_then(|(said, same)| {
        print(&said)?;
        Ok(if same {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }))
}

/// What it prints, and whether the check holds: false only for a `diff` that found something.
///
/// # Errors
/// As [`run`]; a catalog file that is wrong gives its [`CatalogFaults`].
pub async fn answer(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    match &args.what {
        What::Apply { file, editor } => {
            let catalog = load_file(file)?;
            let actor = editor_of(&catalog, editor.as_deref())?;
            let applied = engine(args).await?.apply_catalog(&catalog, &actor).await?;
            let more = json!({"applied": !applied.differences.is_empty(), "catalog_sha256": applied.digest});
            Ok((said(&applied.differences, format, more)?, true))
        }
        What::Diff { file } => {
            let catalog = load_file(file)?;
            let (_, now) = engine(args).await?.catalog().await?;
            let differences = diff(&now, &catalog);
            Ok((said(&differences, format, json!({}))?, differences.is_empty()))
        }
        What::Export { file } => {
            let (_, now) = engine(args).await?.catalog().await?;
            let text = match format {
                Format::Text => export(&now),
                Format::Json => format!("{}\n", serde_json::to_string_pretty(&*now)?),
            };
            if file == Path::new("-") {
                return Ok((text, true));
            }
            std::fs::write(file, text).with_context(|| file.display().to_string())?;
            Ok((String::new(), true))
        }
    }
}

/// Reads a catalog.
///
/// # Errors
/// When the file cannot be read; when it is wrong, its [`CatalogFaults`].
pub(super) fn load_file(file: &Path) -> anyhow::Result<Catalog> {
    Ok(load(&file.display().to_string(), &read(file)?)?)
}

/// Says every fault of a catalog file on a line of its own, where other errors have one.
pub(super) fn finish_faults(outcome: anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
    outcome.or_else(|error| {
        let faults = error.downcast::<CatalogFaults>()?;
        // Nowhere left to complain to when stderr is gone.
        let _ = writeln!(std::io::stderr(), "{faults}");
        Ok(ExitCode::from(2))
    })
}

/// Who applies it: a person of the file, or whoever runs the command when nobody is named.
fn editor_of(catalog: &Catalog, editor: Option<&str>) -> anyhow::Result<Actor> {
    let Some(id) = editor else {
        return Ok(Actor::Service("catalog-apply".to_owned()));
    };
    anyhow::ensure!(
        catalog.person(id).is_some(),
        "--as {id}: the catalog has no such person"
    );
    Ok(Actor::Person(PersonId::from(id)))
}

async fn engine(args: &Args) -> anyhow::Result<Engine> {
    let config = Config::load(args.config.as_deref())?;
    // Its writes take turns with those of a service on the same SQLite file.
    let db = Db::open_beside(&config.database_url()).await?;
    storage::up_to_date(&db).await?;
    Ok(Engine::new(db, Arc::new(SystemClock)))
}

/// The differences: one line each, or one JSON document that `more` adds to.
fn said(differences: &[Difference], format: Format, more: serde_json::Value) -> anyhow::Result<String> {
    if format == Format::Json {
        let mut document = json!({"differences": differences});
        if let (Some(document), serde_json::Value::Object(more)) = (document.as_object_mut(), more) {
            document.extend(more);
        }
        return Ok(format!("{}\n", serde_json::to_string_pretty(&document)?));
    }
    if differences.is_empty() {
        return Ok("Nothing differs.\n".to_owned());
    }
    Ok(differences
        .iter()
        .map(|difference| format!("{difference}\n"))
        .collect())
}
