//! Which rules a change follows here. One whose version this program does not carry is frozen: it is shown, and nothing
//! happens to it, until a program that carries the version takes the command or a person moves the change.

use super::{Engine, HandleError, Outcome, Request};
use crate::{
    change::{
        command::Command,
        definitions::{Definition, Definitions},
        refusal::{Refusal, RefusalCode},
    },
    store::{self, changes::Loaded, error::StoreError},
    values::{Actor, ChangeNumber, PersonId},
};

/// Most frozen changes that are named at once.
const NAMED: u64 = 100;

impl Engine {
    /// The versions of the rules that this program carries.
    #[must_use]
    pub fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// Open changes that are frozen here: number and version, the oldest first, at most 100.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn frozen(&self) -> Result<Vec<(ChangeNumber, u32)>, StoreError> {
        store::changes::outside(&self.db, self.definitions.range(), NAMED).await
    }

    /// Why nothing can happen to a change that follows `version`; none where it is carried.
    #[must_use]
    pub fn frozen_because(&self, number: ChangeNumber, version: u32) -> Option<String> {
        if self.definitions.of(version).is_some() {
            return None;
        }
        let carried = self.definitions.words();
        let to = self.definitions.filing().version;
        Some(format!(
            "{number} follows version {version} of the rules, and this program carries {carried}. It can be read here, \
             and nothing is recorded. Try again once every replica is upgraded; or an administrator moves it: \
             governor migrate --change {} --to {to} --by PERSON.",
            number.0
        ))
    }

    /// The rules that `command` is decided by: those that the change follows, or is to follow.
    pub(super) fn rules(&self, loaded: &Loaded, command: &Command) -> Result<&'static Definition, Refusal> {
        let (number, now) = (loaded.change.number, loaded.definition_version);
        let refusal = |code, message| Refusal { code, message };
        let version = match command {
            Command::Migrate { from, .. } if *from != now => {
                let message =
                    format!("{number} follows version {now} of the rules by now. Nothing was recorded.");
                return Err(refusal(RefusalCode::Outdated, message));
            }
            Command::Migrate { to, .. } => *to,
            _ => now,
        };
        self.definitions.of(version).ok_or_else(|| {
            let message = match command {
                Command::Migrate { to, .. } => {
                    let carried = self.definitions.words();
                    format!("This program carries {carried} of the rules, so it cannot move {number} to version {to}.")
                }
                _ => self.frozen_because(number, version).unwrap_or_default(),
            };
            refusal(RefusalCode::Frozen, message)
        })
    }

    /// Moves a change to version `to` of the rules, by a named person; recorded as an event on it.
    ///
    /// # Errors
    /// [`HandleError::Refused`] where this program does not carry `to`, or the change has ended.
    pub async fn migrate_change(
        &self,
        number: ChangeNumber,
        to: u32,
        by: PersonId,
    ) -> Result<Outcome, HandleError> {
        let loaded = store::changes::by_number(&self.db, number).await?;
        let loaded = loaded.ok_or(HandleError::NotFound(number))?;
        let from = loaded.definition_version;
        self.handle(Request {
            actor: Actor::Person(by),
            key: format!("migrate:{}", self.clock.new_id()),
            change: number,
            command: Command::Migrate { from, to },
            notes: Vec::new(),
            completes: None,
        })
        .await
    }
}
