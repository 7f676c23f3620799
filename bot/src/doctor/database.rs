//! The database: reachable, up to date, durable, with room; and the ledger's key beside it.

use std::sync::Arc;

use workflow_engine::{
    catalog::Catalog,
    engine::Engine,
    ports::clock::Clock,
    store::{
        db::{Backend, Db},
        ledger::read,
        vitals::{self, SqliteVitals},
    },
};

use super::{Finding, Severity, postgres};
use crate::{clock::SystemClock, commands_cli::ledger::source::signing_key, config::Config, storage};

const AREA: &str = "database";

/// What is seen of the database, and the catalog in it.
pub(super) async fn examine(config: &Config) -> (Vec<Finding>, Option<Arc<Catalog>>) {
    let url = config.database_url();
    let db = match Db::open_for_reading(&url, 2).await {
        Ok(db) => db,
        Err(error) => {
            let fix = "check database.url; `governor migrate` makes a new database";
            return (
                vec![Finding::new(AREA, Severity::Fault, error.to_string(), fix)],
                None,
            );
        }
    };
    let mut findings = match db.backend() {
        Backend::Postgres => match vitals::postgres(&db).await {
            Ok(seen) => postgres::judged(&seen, config, SystemClock.now()),
            Err(error) => vec![unreadable(&error)],
        },
        Backend::Sqlite => match vitals::sqlite(&db).await {
            Ok(seen) => sqlite(&seen),
            Err(error) => vec![unreadable(&error)],
        },
    };
    let missing = schema(&db).await;
    let usable = missing.severity == Severity::Ok;
    findings.push(missing);
    if !usable {
        return (findings, None);
    }
    findings.push(ledger_key(config, &db).await);
    let engine = Engine::new(db, Arc::new(SystemClock));
    let catalog = engine.catalog().await.ok().map(|(_, catalog)| catalog);
    if catalog
        .as_ref()
        .is_none_or(|catalog| catalog.workflows.is_empty())
    {
        let fix = "apply one: `governor catalog apply FILE`; deploy/catalog.example.toml is a start";
        findings.push(Finding::new(
            "catalog",
            Severity::Note,
            "there is no catalog yet, so nothing is governed",
            fix,
        ));
    }
    (findings, catalog)
}

fn unreadable(error: &dyn std::fmt::Display) -> Finding {
    let fix = "check that the server runs and that this user may read its statistics";
    Finding::new(AREA, Severity::Fault, error.to_string(), fix)
}

async fn schema(db: &Db) -> Finding {
    match storage::pending_read_only(db).await {
        Ok(missing) if missing.is_empty() => Finding::ok(AREA, "the schema is up to date"),
        Ok(missing) => Finding::new(
            AREA,
            Severity::Fault,
            format!(
                "the schema lacks {} migrations, first {}",
                missing.len(),
                missing[0]
            ),
            "run `governor migrate`, or start the service, which does it",
        ),
        Err(error) => unreadable(&error),
    }
}

/// Whether the key we would sign with is the one that signed what is there.
async fn ledger_key(config: &Config, db: &Db) -> Finding {
    const AREA: &str = "ledger";
    let ours = signing_key(config);
    let theirs = read::log_key(db.reads()).await;
    match (ours, theirs) {
        (Err(error), _) => Finding::new(
            AREA,
            Severity::Fault,
            format!("{error:#}"),
            "name the key in ledger.signing_key, or put it back into the data directory",
        ),
        (_, Err(error)) => unreadable(&error),
        (Ok(None), Ok(None)) => Finding::new(
            AREA,
            Severity::Note,
            "there is no key yet; the first start makes one in the data directory",
            "for replicas make one in common: `governor ledger keygen --out ledger.key`",
        ),
        (Ok(None), Ok(Some(_))) => Finding::new(
            AREA,
            Severity::Fault,
            "the ledger was signed with a key that is not here",
            "bring the key back: ledger.signing_key, or ledger.key in server.data_dir",
        ),
        (Ok(Some((key, source))), Ok(Some(vkey))) if key.public().to_string() != vkey => Finding::new(
            AREA,
            Severity::Fault,
            format!("the key in {source} is not the one that signed the ledger"),
            "bring the former key back, or check ledger.origin, which is part of the key's name",
        ),
        (Ok(Some((_, source))), Ok(_)) => Finding::ok(AREA, format!("the key is in {source}")),
    }
}

fn sqlite(seen: &SqliteVitals) -> Vec<Finding> {
    let mut findings = vec![Finding::ok(
        AREA,
        format!("SQLite {}, {} MiB", seen.version, seen.bytes / (1024 * 1024)),
    )];
    if seen.check != "ok" {
        let what = format!("the file is damaged: {}", seen.check);
        let fix = "stop the service, keep the file, and restore the newest backup: `governor restore`";
        findings.push(Finding::new(AREA, Severity::Fault, what, fix));
    }
    if seen.journal != "wal" {
        let what = format!(
            "it journals by {}, not by wal: readers and the writer wait for each other",
            seen.journal
        );
        let fix = "put the file on a local disk; network folders cannot do it";
        findings.push(Finding::new(AREA, Severity::Risk, what, fix));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_sqlite_file_is_a_fault() {
        let seen = SqliteVitals {
            journal: "wal".to_owned(),
            check: "row 3 missing from index job_due".to_owned(),
            ..SqliteVitals::default()
        };
        let faults = sqlite(&seen);
        assert_eq!(faults[1].severity, Severity::Fault);
        assert!(faults[1].what.ends_with("row 3 missing from index job_due"));
    }
}
