//! Erases what is stored of a person; the ledger keeps its root, and says in an entry that it happened.

use super::{Engine, notices};
use crate::{
    ledger::notice::{Erasure, Notice},
    store::{error::StoreError, ledger::erasure},
    values::{Actor, PersonId},
};

/// Most texts that one entry names, so that it stays below the longest entry.
const TEXTS: usize = 1_000;

/// Why nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Their name and addresses are in use.
    #[error(
        "{0} is in the catalog that holds now; take {0} out of it first (`governor catalog apply`), so that nobody is \
         asked or shown by that name any more"
    )]
    InCatalog(PersonId),
    /// Nothing is there.
    #[error("nothing is stored of {0}; ids of people are those of the catalog")]
    Nothing(PersonId),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Erases the texts that `person` wrote, with their salts, their name and addresses in earlier catalogs, and what
    /// chat delivered of them. Their opaque id stays in the entries of what they decided. All or nothing.
    ///
    /// # Errors
    /// [`EraseError`].
    pub async fn erase_person(&self, person: &PersonId, by: &Actor) -> Result<Erasure, EraseError> {
        let (_, catalog) = self.catalog().await?;
        if catalog.people.iter().any(|known| known.id == *person) {
            return Err(EraseError::InCatalog(person.clone()));
        }
        let (id, by, at) = (person.clone(), by.clone(), self.clock().now().timestamp_millis());
        let erased = notices::unit(self.db(), move |tx| {
            let (id, by) = (id.clone(), by.clone());
            Box::pin(async move {
                let author = Actor::Person(id.clone()).to_string();
                let texts = erasure::texts(tx, &author, at).await?;
                let (catalogs, users) = erasure::catalogs(tx, id.as_str()).await?;
                let deliveries = erasure::deliveries(tx, &users).await?;
                let all = Erasure {
                    person: Some(id),
                    texts,
                    runs: Vec::new(),
                    records: catalogs + deliveries,
                };
                for texts in all
                    .texts
                    .chunks(TEXTS)
                    .chain(all.texts.is_empty().then_some(&[][..]))
                {
                    if texts.is_empty() && all.records == 0 {
                        break;
                    }
                    let texts = texts.to_vec();
                    let part = Erasure { texts, ..all.clone() };
                    notices::append(tx, &by, at, Notice::Erased(part)).await?;
                }
                Ok(all)
            })
        })
        .await?;
        if erased.texts.is_empty() && erased.records == 0 {
            return Err(EraseError::Nothing(person.clone()));
        }
        // Catalogs that were read before still hold the name.
        self.catalogs.write().await.clear();
        tracing::info!(
            texts = erased.texts.len(),
            records = erased.records,
            "a person's data was erased"
        );
        Ok(erased)
    }
}
