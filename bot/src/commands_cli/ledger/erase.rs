//! `governor ledger erase`: erases what is stored of a person, on the record.

use anyhow::bail;
use serde_json::json;
use std::sync::Arc;
use workflow_engine::{
    engine::Engine,
    store::db::Db,
    values::{Actor, PersonId},
};

use super::{super::Format, source::ConfigFile};
use crate::{clock::SystemClock, storage};

/// Erase what a person wrote, their name and addresses. The ledger keeps its root, and says that it happened.
///
/// Take the person out of the catalog first. Their opaque id stays in the entries of what they decided: that is the
/// company's record. Texts cannot be brought back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  governor ledger erase --person maya --yes")]
pub(super) struct Args {
    /// The person's id in the catalog
    #[arg(long, value_name = "ID")]
    person: String,
    /// Really erase
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) async fn run(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    let config = args.config.load()?;
    if !args.yes {
        bail!(
            "this erases every text that {} wrote and cannot be undone; say --yes to do it",
            args.person
        );
    }
    let db = Db::open_beside(&config.database_url()).await?;
    storage::up_to_date(&db).await?;
    let engine = Engine::new(db, Arc::new(SystemClock));
    let by = Actor::Service("command line".to_owned());
    let erased = engine.erase_person(&PersonId(args.person.clone()), &by).await?;
    let said = match format {
        Format::Json => json!(erased).to_string(),
        Format::Text => format!(
            "Erased {} texts of {} and their name in {} other records. The ledger will say so within a second; its root \
             and all proofs stay as they are.",
            erased.texts.len(),
            args.person,
            erased.records
        ),
    };
    Ok((said + "\n", true))
}
