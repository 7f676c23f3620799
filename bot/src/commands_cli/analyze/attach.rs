//! `governor analyze --attach`: the same file as supporting evidence of a change.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context as _;
use integrations::evaluations::Converted;
use workflow_engine::{
    engine::{Engine, attach::Attachment},
    store::db::Db,
    values::{ChangeNumber, PersonId},
};

use super::{super::arguments, Texts};
use crate::{clock::SystemClock, config::Config, storage};

/// Where the file is attached, if anywhere.
#[derive(clap::Args)]
pub(super) struct Attach {
    /// Attach the file to this change as supporting evidence; it is shown, and decides nothing.
    #[arg(long, value_name = "NUMBER", value_parser = arguments::change, requires = "person")]
    attach: Option<u64>,
    /// The person of the catalog who attaches it.
    #[arg(long = "as", value_name = "PERSON", requires = "attach")]
    person: Option<String>,
    /// The settings file.
    #[arg(long, value_name = "FILE", requires = "attach")]
    config: Option<PathBuf>,
}

impl Attach {
    pub(super) fn is_wanted(&self) -> bool {
        self.attach.is_some()
    }
}

/// Attaches what was read, and says so on stderr.
pub(super) async fn attach(args: &Attach, files: &Texts, converted: Converted) -> anyhow::Result<()> {
    let (number, person) = args
        .attach
        .zip(args.person.as_deref())
        .context("nothing to attach")?;
    let config = Config::load(args.config.as_deref())?;
    // Its writes take turns with those of a service on the same SQLite file.
    let db = Db::open_beside(&config.database_url()).await?;
    storage::up_to_date(&db).await?;
    let engine = Engine::new(db, Arc::new(SystemClock));
    let (_, catalog) = engine.catalog().await?;
    catalog
        .person(person)
        .with_context(|| format!("the catalog has no person {person}"))?;
    let attached = engine
        .attach(Attachment {
            change: ChangeNumber(number),
            by: PersonId::from(person),
            format: files.format,
            sha256: files.borrowed().sha256(),
            pairs: converted.pairs,
            unpaired: converted.unpaired as u64,
            models: files.borrowed().models(),
        })
        .await?;
    writeln!(
        io::stderr(),
        "{} pairs are attached to change #{number} as supporting evidence, which decides nothing (file {})",
        attached.counts.n(),
        attached.sha256
    )?;
    Ok(())
}
