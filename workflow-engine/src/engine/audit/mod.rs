//! Checks the whole ledger in the database against itself and its signatures, and names the first thing that is wrong.
//!
//! Nothing stored is believed: leaves are computed from the events' bytes, the root from the leaves, each change
//! and its hash chain from its events, and only the signatures on the heads are trusted, by the key the caller gives.

mod changes;
mod evidence;
mod heads;
mod tree;

use sea_orm::{DatabaseTransaction, IsolationLevel, TransactionTrait};
use serde::Serialize;

use super::{
    keyring::{Keyring, announced},
    ledger::{Ledger, LedgerError},
};
use crate::store::{db::Backend, error::StoreError, ledger::read};

/// Rows read at a time.
const PAGE: u32 = 1_000;

/// What was looked at, and the first thing that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether everything agrees.
    pub holds: bool,
    /// Sealed events.
    pub entries: u64,
    /// Events that wait to be sealed, usually for less than a second.
    pub waiting: u64,
    /// Changes whose hash chain was followed.
    pub changes: u64,
    /// Signed heads that were checked.
    pub checkpoints: u64,
    /// Packets whose signature and digest were checked.
    pub packets: u64,
    /// Texts whose commitment was checked; erased ones do not count.
    pub notes: u64,
    /// The first fault.
    pub fault: Option<Fault>,
}

/// Something that is not as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The entry it is about, where it is about one.
    pub index: Option<u64>,
    /// The table or file it was found in.
    pub place: &'static str,
    /// One plain sentence.
    pub what: String,
}

/// How an audit ends early: at a fault, or because it could not go on.
enum Stop {
    Fault(Fault),
    Error(LedgerError),
}

impl Stop {
    fn at(index: Option<u64>, place: &'static str, what: impl Into<String>) -> Self {
        Self::Fault(Fault {
            index,
            place,
            what: what.into(),
        })
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            // Unreadable rows are what an audit is there to find.
            StoreError::Corrupt(what) => Self::at(None, "ledger", what),
            other => Self::Error(other.into()),
        }
    }
}

impl From<sea_orm::DbErr> for Stop {
    fn from(error: sea_orm::DbErr) -> Self {
        StoreError::from(error).into()
    }
}

impl Ledger {
    /// Checks everything as of one moment, while the service goes on.
    ///
    /// # Errors
    /// Only when the database does not answer; what is wrong with the ledger is in the report.
    pub async fn verify(&self) -> Result<Report, LedgerError> {
        // One snapshot: what is sealed while we look is not ours to judge. SQLite's transactions always are one.
        let level = (self.db.backend() == Backend::Postgres).then_some(IsolationLevel::RepeatableRead);
        let tx = self
            .db
            .reads()
            .begin_with_config(level, None)
            .await
            .map_err(StoreError::from)?;
        let mut report = Report::default();
        let outcome = self.audit(&tx, &mut report).await;
        tx.rollback().await.map_err(StoreError::from)?;
        match outcome {
            Ok(()) => report.holds = true,
            Err(Stop::Fault(fault)) => report.fault = Some(fault),
            Err(Stop::Error(error)) => return Err(error),
        }
        Ok(report)
    }

    async fn audit(&self, tx: &DatabaseTransaction, report: &mut Report) -> Result<(), Stop> {
        let mut tree = tree::Tree::default();
        let mut ring = Keyring::load(tx, &self.log).await?;
        let mut heads = heads::Heads::new(&self.log, ring.clone());
        let mut changes = changes::Changes::default();
        let mut erased = evidence::Erased::default();
        loop {
            let page = read::entries(tx, report.entries, PAGE).await?;
            for row in &page {
                heads.at(tx, &tree, report).await?;
                let event = tree.entry(row)?;
                changes.follow(event, Some(report.entries))?;
                let index = report.entries;
                heads.told(index, &event.body);
                if let Some(one) = announced(index, &event.body).filter(|one| ring.keys().contains(&one.from))
                {
                    ring.add(one.to);
                }
                evidence::named_by(tx, &ring, &event.body, index, (report, &mut erased)).await?;
                report.entries += 1;
            }
            tree.settle(tx).await?;
            if page.len() < PAGE as usize {
                break;
            }
        }
        heads.at(tx, &tree, report).await?;
        heads.end(tx, &tree).await?;
        tree.edge(tx).await?;
        changes.waiting(tx, &mut erased, report).await?;
        erased.end()?;
        changes.end(tx, report).await
    }
}
