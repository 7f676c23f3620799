//! The one door: load, decide, commit. Chat, console, HTTP, timers and workers all come through here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Changed, Engine, HandleError, Outcome, Request,
    facts::in_play,
    rows::{Decided, Written, payload_digest},
};
use crate::{
    change::{event::Event, refusal::Refusal, state::Application},
    store::{
        self,
        changes::Loaded,
        commit::{CommandRow, Committed},
        grounds::Grounds,
    },
    values::Digest,
};

/// How often a command is decided anew when others were faster.
const TRIES: u32 = 5;

impl Engine {
    /// Carries `request` out: exactly once for its key, whatever is repeated, lost or raced.
    ///
    /// # Errors
    /// [`HandleError::Refused`] when the rules do not allow it; else why nothing is known to have happened: a repeat
    /// with the same key finds out.
    #[tracing::instrument(skip_all, fields(change.number = request.change.0, command = request.command.name(), actor.id = %request.actor, trace_id = trace_id(&request.key)))]
    pub async fn handle(&self, request: Request) -> Result<Outcome, HandleError> {
        let outcome = self.carry_out(request).await;
        match &outcome {
            Ok(outcome) if outcome.repeated => self.counts.repeated.one(),
            Err(HandleError::Refused(_)) => self.counts.refused.one(),
            _ => {}
        }
        outcome
    }

    async fn carry_out(&self, request: Request) -> Result<Outcome, HandleError> {
        let payload = payload_digest(&request)?;
        if let Some(grounds) = self.recent.take(request.change)
            && let Some(outcome) = self.decide(*grounds, Seen::Remembered, &request, payload).await?
        {
            return Ok(outcome);
        }
        for attempt in 0..TRIES {
            if attempt > 0 {
                self.counts.conflicts.one();
                self.pause(attempt).await;
            }
            if let Some(outcome) = self.try_once(&request, payload).await? {
                return Ok(outcome);
            }
        }
        Err(HandleError::Busy)
    }

    /// One try; none when somebody else was faster.
    async fn try_once(&self, request: &Request, payload: Digest) -> Result<Option<Outcome>, HandleError> {
        let grounds = store::grounds::of_change(&self.db, request.change)
            .await?
            .ok_or(HandleError::NotFound(request.change))?;
        self.decide(grounds, Seen::Now, request, payload).await
    }

    /// Decides on `grounds`, and commits what comes of it; none when they do not hold any more. Only a commit looks whether
    /// they do, so nothing else counts of what is decided on a memory.
    async fn decide(
        &self,
        grounds: Grounds,
        seen: Seen,
        request: &Request,
        payload: Digest,
    ) -> Result<Option<Outcome>, HandleError> {
        let facts = self.facts(&grounds, &request.actor).await?;
        let loaded = grounds.loaded;
        let rules = match self.rules(&loaded, &request.command) {
            Err(_) if seen == Seen::Remembered => return Ok(None),
            rules => rules?,
        };
        let mut events = match (rules.decide)(&loaded.change, &request.command, &facts) {
            Ok(events) => events,
            Err(_) if seen == Seen::Remembered => return Ok(None),
            Err(refused) => {
                let answer = Answer::Refused { refused };
                return self
                    .nothing_changes(request, payload, &loaded, answer)
                    .await
                    .map(Some);
            }
        };
        if events.is_empty() {
            if seen == Seen::Remembered {
                return Ok(None);
            }
            let answer = Answer::Done(untouched(&loaded));
            return self
                .nothing_changes(request, payload, &loaded, answer)
                .await
                .map(Some);
        }
        self.number_writes(&mut events).await?;
        let Written {
            mut commit,
            outcome,
            after,
        } = self.rows(&Decided {
            before: Some(&loaded),
            catalog: grounds.catalog,
            rules,
            events,
            actor: &request.actor,
            key: &request.key,
            payload,
            notes: &request.notes,
            terms: &facts.terms,
            at: facts.now,
        })?;
        commit.completes.clone_from(&request.completes);
        match store::commit::commit(&self.db, commit).await? {
            Committed::Applied => {
                self.tell(&outcome);
                self.remember(after, grounds.catalog);
                Ok(Some(outcome))
            }
            Committed::KeyTaken {
                payload_sha256,
                result,
            } => repeated(&request.key, payload, payload_sha256, &result).map(Some),
            Committed::VersionMoved => Ok(None),
            Committed::ClaimLost => Err(HandleError::ClaimLost),
        }
    }

    /// The answer to a command that changes nothing. A person's is kept like any other: a late copy is told the same,
    /// whatever has become possible meanwhile. What the service sends is decided anew each time it is tried.
    ///
    /// A repeat of what has happened is often refused by then ("recorded already"): its answer is the first one.
    async fn nothing_changes(
        &self,
        request: &Request,
        payload: Digest,
        loaded: &Loaded,
        answer: Answer,
    ) -> Result<Outcome, HandleError> {
        let stored = if request.actor.person().is_some() {
            let command = CommandRow {
                key: request.key.clone(),
                payload_sha256: payload,
                result: serde_json::to_string(&answer)?,
            };
            let now = self.clock.now().timestamp_millis();
            store::commands::keep(&self.db, &command, &loaded.change.id, now).await?
        } else {
            store::changes::answered(&self.db, &request.key).await?
        };
        match (stored, answer) {
            (Some(stored), _) => repeated(&request.key, payload, stored.payload_sha256, &stored.result),
            (None, Answer::Refused { refused }) => Err(refused.into()),
            (None, Answer::Done(outcome)) => Ok(outcome),
        }
    }

    /// Gives each write to a gateway a generation of its own. Two changes of one workflow may begin theirs at the same
    /// moment, and both have looked at the same newest one.
    async fn number_writes(&self, events: &mut [Event]) -> Result<(), store::error::StoreError> {
        for event in events {
            if let Event::ApplyStarted(Application { generation, .. })
            | Event::RolledBack { generation, .. } = event
            {
                *generation = store::routes::take_generation(&self.db, *generation).await?;
            }
        }
        Ok(())
    }

    /// Wakes the workers and the live pages.
    pub(super) fn tell(&self, outcome: &Outcome) {
        self.counts.applied.one();
        self.wake.notify_waiters();
        // Nobody may be looking.
        drop(self.changed.send(Changed {
            number: outcome.number,
            version: outcome.version,
        }));
    }

    /// Keeps what a commit left in mind, unless the rules look at more than the change from now on.
    pub(super) fn remember(&self, after: Loaded, catalog: Option<Digest>) {
        if catalog.is_some() && !in_play(&after.change) {
            self.recent.keep(Box::new(Grounds {
                loaded: after,
                catalog,
                live: None,
                newest_generation: 0,
            }));
        }
    }

    /// One to twenty milliseconds, at random, so that two who met do not meet again.
    async fn pause(&self, attempt: u32) {
        let mut byte = [0];
        self.clock.random(&mut byte);
        let millis = 1 + u64::from(byte[0]) * u64::from(attempt) % 20;
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

/// What log lines of one command, and of the jobs that its events ask for, have in common on whichever replica.
pub(super) fn trace_id(key: &str) -> String {
    hex::encode(&Digest::of(key.as_bytes()).0[..16])
}

/// The stored answer, if the key was used for the same.
pub(super) fn repeated(
    key: &str,
    payload: Digest,
    stored: Digest,
    result: &str,
) -> Result<Outcome, HandleError> {
    if payload != stored {
        return Err(HandleError::KeyReused(key.to_owned()));
    }
    match serde_json::from_str(result)? {
        Answer::Refused { refused } => Err(refused.into()),
        Answer::Done(outcome) => Ok(Outcome {
            repeated: true,
            ..outcome
        }),
    }
}

/// When the grounds of a decision were in the database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Now,
    Remembered,
}

/// What is stored under a key.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Answer {
    Refused { refused: Refusal },
    Done(Outcome),
}

/// A command that changes nothing, such as a reminder when nobody is missing.
fn untouched(loaded: &Loaded) -> Outcome {
    Outcome {
        change: loaded.change.id.clone(),
        number: loaded.change.number,
        state: loaded.change.state,
        revision: loaded.change.revision,
        version: loaded.version,
        events: Vec::new(),
        repeated: false,
    }
}
