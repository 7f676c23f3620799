//! Transitions on PostgreSQL: one autocommit statement, READ COMMITTED, no BEGIN that could be cancelled.
//!
//! What arrives while another statement is under way goes together in the next one; each transition has its own guards, and
//! one that does not hold leaves the others alone. Two copies of one command both pass the look for their key; the second
//! waits on the row lock and then fails the version re-check, so exactly one happens. The head of the change's chain is
//! checked beside the version: after a failover that lost commits, another event may have the number of one that this
//! replica remembers.

use std::{collections::HashSet, sync::LazyLock};

use async_trait::async_trait;
use sqlx::{Row, postgres::PgRow};

use super::{
    commit::{Commit, Committed},
    commit_values::bind,
    error::StoreError,
    together::{Batch, Together},
    warm::Warm,
};

/// Most transitions in one statement.
const MOST: usize = 32;

/// `$1`–`$17` are the transitions, a row each: their change, their command, what they looked at, the job whose result they
/// are, and what a new change begins with.
const TRANSITIONS: &str = "
x AS MATERIALIZED (
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::int[], $5::int[], $6::bytea[], $7::bigint[], $8::bigint[],
      $9::text[], $10::int[], $11::text[], $12::bytea[], $13::text[], $14::bytea[], $15::bytea[], $16::bigint[], $17::bigint[])
    AS x(id, version, state, revision, event_n, head, deadline, at, body, definition, key, payload, result, prev, catalog,
      job, token)),";

/// The jobs whose results these are, as they are once nobody else is at them.
const CLAIM: &str = "
claim AS (
  SELECT seq, token FROM job
  WHERE seq = ANY ($16) AND coalesce(done_at, 0) = 0 FOR UPDATE),";

const DONE: &str = "
j AS (UPDATE job SET done_at = w.at, outcome = 'done' FROM w WHERE job.seq = ANY ($16) AND job.seq = w.job),";

/// Found by `$1`, in its order, so that two replicas lock rows in the same order; looked at one by one, so that no plan reads
/// all changes or all commands for them.
const CHANGE: &str = "
u AS (
  UPDATE change SET state = x.state, version = change.version + 1, revision = x.revision, event_n = x.event_n,
    head_hash = x.head, deadline_at = x.deadline, updated_at = x.at, body = x.body, definition_version = x.definition FROM x
  WHERE change.id = ANY ($1) AND change.id = x.id AND change.version = x.version AND change.head_hash = x.prev
    AND (SELECT digest FROM catalog_version ORDER BY seq DESC LIMIT 1) IS NOT DISTINCT FROM x.catalog
    AND (SELECT 1 FROM command WHERE command.key = x.key) IS NULL";

const RESULT: &str = "
    AND (x.job IS NULL OR EXISTS (SELECT 1 FROM claim WHERE claim.seq = x.job AND claim.token = x.token))";

const COMMAND: &str = "
  RETURNING change.id),
w AS (SELECT * FROM x WHERE id IN (SELECT id FROM u)),
c AS (INSERT INTO command (key, change_id, payload_sha256, result, at) SELECT key, id, payload, result, at FROM w),";

const CREATION: &str = "
k AS (
  INSERT INTO command (key, change_id, payload_sha256, result, at) SELECT key, id, payload, result, at FROM x
  ON CONFLICT (key) DO NOTHING RETURNING change_id),
w AS (SELECT * FROM x WHERE id IN (SELECT change_id FROM k)),
u AS (
  INSERT INTO change (id, number, workflow, requester, definition, definition_version, state, version, revision, event_n,
    head_hash, deadline_at, filed_at, updated_at, body)
  SELECT w.id, n.number, n.workflow, n.requester, 'route_change', w.definition, w.state, 1, w.revision, w.event_n, w.head,
    w.deadline, n.filed, w.at, w.body
  FROM w JOIN unnest($1, $18::bigint[], $19::text[], $20::text[], $21::bigint[])
    AS n(id, number, workflow, requester, filed) ON n.id = w.id),";

const VOTES: &str = "
v AS (
  INSERT INTO vote (change_id, revision, slot, seat, approver, packet_sha256, at)
  SELECT w.id, y.revision, y.slot, y.seat, y.approver, y.packet, w.at
  FROM w JOIN unnest($37::text[], $38::int[], $39::text[], $40::int[], $41::text[], $42::bytea[])
    AS y(id, revision, slot, seat, approver, packet) ON y.id = w.id),";

const NOTES: &str = "
t AS (
  INSERT INTO note (id, change_id, author, salt, body, at)
  SELECT y.note, w.id, y.author, y.salt, y.body, w.at
  FROM w JOIN unnest($43::text[], $44::text[], $45::text[], $46::bytea[], $47::text[])
    AS y(id, note, author, salt, body) ON y.id = w.id),";

/// One of them at most says so.
const ROUTE: &str = "
r AS (
  INSERT INTO live_route (workflow, route, generation, change_number, at)
  SELECT $49, $50, $51, $52, w.at FROM w WHERE w.id = $48
  ON CONFLICT (workflow) DO UPDATE SET route = excluded.route, generation = excluded.generation,
    change_number = excluded.change_number, at = excluded.at WHERE live_route.generation < excluded.generation),";

const EVENTS_AND_JOBS: &str = "
e AS (
  INSERT INTO event (change_id, n, kind, actor, command_key, at, body, prev_hash, hash)
  SELECT w.id, y.n, y.kind, y.actor, w.key, w.at, y.body, y.prev, y.hash
  FROM w JOIN unnest($22::text[], $23::int[], $24::text[], $25::text[], $26::bytea[], $27::bytea[], $28::bytea[])
    AS y(id, n, kind, actor, body, prev, hash) ON y.id = w.id ORDER BY y.id, y.n RETURNING seq, change_id, n, at),
p AS (INSERT INTO ledger_pending (event_seq, change_id, n, at) SELECT seq, change_id, n, at FROM e),
o AS (
  INSERT INTO job (id, change_id, event_n, kind, lane, payload, due_at, max_attempts, created_at)
  SELECT y.job, w.id, y.n, y.kind, y.lane, y.payload, y.due, y.tries, w.at
  FROM w JOIN unnest($29::text[], $30::text[], $31::int[], $32::text[], $33::text[], $34::text[], $35::bigint[], $36::int[])
    WITH ORDINALITY AS y(id, job, n, kind, lane, payload, due, tries, nth) ON y.id = w.id ORDER BY y.nth)
SELECT id FROM w";

/// The parts that a statement has only when there is something for them to do: each one opens its table and its indexes.
/// Every text takes all values.
#[derive(Clone, Copy)]
struct Shape(usize);

impl Shape {
    const CREATION: usize = 1;
    const CLAIM: usize = 2;
    const VOTES: usize = 4;
    const NOTES: usize = 8;
    const ROUTE: usize = 16;
    const ALL: usize = 32;

    fn of(commits: &[Commit]) -> Self {
        let part = |part, needed: fn(&Commit) -> bool| if commits.iter().any(needed) { part } else { 0 };
        Self(
            part(Self::CREATION, is_creation)
                | part(Self::CLAIM, |commit| commit.completes.is_some())
                | part(Self::VOTES, |commit| !commit.votes.is_empty())
                | part(Self::NOTES, |commit| !commit.notes.is_empty())
                | part(Self::ROUTE, |commit| commit.live_route.is_some()),
        )
    }

    fn put_together(self) -> String {
        let part = |part, text| if self.0 & part == 0 { "" } else { text };
        let change = if self.0 & Self::CREATION == 0 {
            format!("{CHANGE}{}{COMMAND}", part(Self::CLAIM, RESULT))
        } else {
            CREATION.to_owned()
        };
        format!(
            "WITH{TRANSITIONS}{}{change}{}{}{}{}{EVENTS_AND_JOBS}",
            part(Self::CLAIM, CLAIM),
            part(Self::CLAIM, DONE),
            part(Self::VOTES, VOTES),
            part(Self::NOTES, NOTES),
            part(Self::ROUTE, ROUTE),
        )
    }

    /// Put together once; each connection prepares those that it meets.
    fn text(self) -> &'static str {
        static TEXTS: LazyLock<Vec<String>> =
            LazyLock::new(|| (0..Shape::ALL).map(|parts| Shape(parts).put_together()).collect());
        &TEXTS[self.0]
    }
}

fn is_creation(commit: &Commit) -> bool {
    commit.expected_version.is_none()
}

/// The way in for transitions on PostgreSQL. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Transitions(Together<Statements>);

impl Transitions {
    pub(super) fn new(warm: Warm) -> Self {
        Self(Together::new(Statements(warm)))
    }

    pub(super) async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let broken = || StoreError::Unavailable("the transition's statement broke down".to_owned());
        self.0.write(commit).await.ok_or_else(broken)?
    }
}

struct Statements(Warm);

#[async_trait]
impl Batch for Statements {
    type Ask = Commit;
    type Answer = Result<Committed, StoreError>;
    /// One is computed while the other waits for the disk.
    const UNDER_WAY: usize = 2;

    /// A change moves once in a statement, and a key is used once.
    fn goes_with(&self, commit: &Commit, taken: &[Commit]) -> bool {
        let apart = |other: &Commit| {
            other.change.id != commit.change.id
                && other.command.key != commit.command.key
                && is_creation(other) == is_creation(commit)
                && (other.live_route.is_none() || commit.live_route.is_none())
        };
        taken.len() < MOST && taken.iter().all(apart)
    }

    async fn carry_out(&self, commits: Vec<Commit>) -> Vec<Self::Answer> {
        match self.write(&commits).await {
            Ok(written) => self.answers(&commits, &written).await,
            Err(StoreError::Unavailable(why)) => {
                let lost = |_| Err(StoreError::Unavailable(why.clone()));
                commits.iter().map(lost).collect()
            }
            Err(error) if commits.len() == 1 => vec![self.refused(&commits[0], error).await],
            // One of them did not fit and took the others with it; each for itself now. Should the statement have been
            // committed after all, each finds its key.
            Err(_) => {
                let mut answers = Vec::with_capacity(commits.len());
                for commit in commits {
                    answers.extend(Box::pin(self.carry_out(vec![commit])).await);
                }
                answers
            }
        }
    }
}

impl Statements {
    /// The changes whose transitions were written.
    async fn write(&self, commits: &[Commit]) -> Result<HashSet<String>, StoreError> {
        let rows = self.0.rows(bind(Shape::of(commits).text(), commits)).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn answers(
        &self,
        commits: &[Commit],
        written: &HashSet<String>,
    ) -> Vec<Result<Committed, StoreError>> {
        let mut answers = Vec::with_capacity(commits.len());
        for commit in commits {
            answers.push(if written.contains(commit.change.id.as_str()) {
                Ok(Committed::Applied)
            } else {
                self.why_not(commit).await
            });
        }
        answers
    }

    /// Nothing was written: the key is there already, the claim is void, or the version has moved.
    async fn why_not(&self, commit: &Commit) -> Result<Committed, StoreError> {
        if let Some(taken) = self.key_taken(&commit.command.key).await? {
            return Ok(taken);
        }
        if let Some(ticket) = &commit.completes {
            let sql = "SELECT 1 FROM job WHERE seq = $1 AND token = $2 AND coalesce(done_at, 0) = 0";
            let holds = sqlx::query(sql).bind(ticket.seq).bind(ticket.token);
            if self.0.rows(holds).await?.is_empty() {
                return Ok(Committed::ClaimLost);
            }
        }
        Ok(Committed::VersionMoved)
    }

    /// If another copy of the command was refused at this very moment, that is its answer.
    async fn refused(&self, commit: &Commit, error: StoreError) -> Result<Committed, StoreError> {
        match error {
            StoreError::Duplicate(what) => {
                let taken = self.key_taken(&commit.command.key).await?;
                taken.ok_or(StoreError::Duplicate(what))
            }
            other => Err(other),
        }
    }

    async fn key_taken(&self, key: &str) -> Result<Option<Committed>, StoreError> {
        let taken =
            sqlx::query("SELECT payload_sha256, result FROM command WHERE key = $1").bind(key.to_owned());
        let taken = self.0.rows(taken).await?;
        let read = |row: &PgRow| {
            Ok(Committed::KeyTaken {
                payload_sha256: super::changes::digest(row.try_get(0)?)?,
                result: row.try_get(1)?,
            })
        };
        taken.first().map(read).transpose()
    }
}
