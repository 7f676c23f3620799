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
    catalog::{Catalog, Difference, diff, export, load},
    engine::Engine,
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
    Apply {
        /// The catalog file; `-` reads stdin.
        file: PathBuf,
        /// The person of the catalog who applies it: barred for some days from approving what relies on the parts changed.
        #[arg(long = "as", value_name = "PERSON")]
        editor: Option<String>,
    },
    /// Say what applying the file would change; exit code 1 when something would.
    Diff {
        /// The catalog file; `-` reads stdin.
        file: PathBuf,
    },
    /// Write the catalog that holds to the file; `-` writes to stdout.
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
    match &args.what {
        What::Apply { file, editor } => {
            let catalog = match load_file(file)? {
                Ok(catalog) => catalog,
                Err(code) => return Ok(code),
            };
            let actor = editor_of(&catalog, editor.as_deref())?;
            let applied = engine(args).await?.apply_catalog(&catalog, &actor).await?;
            say(
                &applied.differences,
                format,
                json!({"applied": !applied.differences.is_empty(), "catalog_sha256": applied.digest}),
            )?;
            Ok(ExitCode::SUCCESS)
        }
        What::Diff { file } => {
            let catalog = match load_file(file)? {
                Ok(catalog) => catalog,
                Err(code) => return Ok(code),
            };
            let (_, now) = engine(args).await?.catalog().await?;
            let differences = diff(&now, &catalog);
            say(&differences, format, json!({}))?;
            Ok(if differences.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        What::Export { file } => {
            let (_, now) = engine(args).await?.catalog().await?;
            let text = match format {
                Format::Text => export(&now),
                Format::Json => format!("{}\n", serde_json::to_string_pretty(&*now)?),
            };
            match file == Path::new("-") {
                true => print(&text)?,
                false => std::fs::write(file, text).with_context(|| file.display().to_string())?,
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Reads a catalog; what is wrong with it goes to stderr, a line each, and gives exit code 2.
///
/// # Errors
/// When the file cannot be read at all.
pub(super) fn load_file(file: &Path) -> anyhow::Result<Result<Catalog, ExitCode>> {
    let text = read(file)?;
    Ok(load(&file.display().to_string(), &text).map_err(|faults| {
        // Nowhere left to complain to when stderr is gone.
        let _ = writeln!(std::io::stderr(), "{faults}");
        ExitCode::from(2)
    }))
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
    let db = storage::open(&config.database_url(), config.database.max_connections).await?;
    storage::up_to_date(&db).await?;
    Ok(Engine::new(db, Arc::new(SystemClock)))
}

/// The differences: one line each, or one JSON document that `more` adds to.
fn say(differences: &[Difference], format: Format, more: serde_json::Value) -> anyhow::Result<()> {
    if format == Format::Json {
        let mut document = json!({"differences": differences});
        if let (Some(document), serde_json::Value::Object(more)) = (document.as_object_mut(), more) {
            document.extend(more);
        }
        return print(&format!("{}\n", serde_json::to_string_pretty(&document)?));
    }
    if differences.is_empty() {
        return print("Nothing differs.\n");
    }
    let lines: Vec<_> = differences
        .iter()
        .map(|difference| format!("{difference}\n"))
        .collect();
    print(&lines.concat())
}
