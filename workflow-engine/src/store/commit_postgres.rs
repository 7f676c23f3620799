//! The transition on PostgreSQL: one autocommit statement, READ COMMITTED, no BEGIN that could be cancelled.
//!
//! Two copies of one command both pass `NOT EXISTS`; the second waits on the row lock and then fails the version
//! re-check, so exactly one happens. The head of the change's chain is checked beside the version: after a failover that lost
//! commits, another event may have the number of one that this replica remembers.

use std::sync::LazyLock;

use sqlx::Row;

use super::{
    commit::{Commit, Committed},
    error::StoreError,
    warm::{Bound, Warm},
};

/// `$1`–`$9` and `$43` are the change, `$10`–`$12` the command, `$13` and `$14` the job whose result this is, `$15`–`$20`
/// events, `$21`–`$27` jobs, `$28`–`$32` votes, `$33`–`$36` notes, `$37`–`$40` what a new change begins with,
/// `$41` and `$42` the route that serves from now on, `$44` the catalog that was looked at. Every text takes all of them.
const CLAIM: &str = "
claim AS (SELECT seq FROM job WHERE seq = $13 AND token = $14 AND done_at IS NULL FOR UPDATE),";

const DONE: &str = "
j AS (UPDATE job SET done_at = $8, outcome = 'done' FROM u WHERE job.seq = $13 AND job.token = $14),";

const CHANGE: &str = "
u AS (
  UPDATE change SET state = $3, version = version + 1, revision = $4, event_n = $5, head_hash = $6, deadline_at = $7,
    updated_at = $8, body = $9, definition_version = $43
  WHERE id = $1 AND version = $2 AND head_hash = ($19::bytea[])[1]
    AND (SELECT digest FROM catalog_version ORDER BY seq DESC LIMIT 1) IS NOT DISTINCT FROM $44
    AND NOT EXISTS (SELECT 1 FROM command WHERE key = $10)";

const COMMAND: &str = " RETURNING id),
c AS (INSERT INTO command (key, change_id, payload_sha256, result, at) SELECT $10, id, $11, $12, $8 FROM u),";

const CREATION: &str = "
k AS (
  INSERT INTO command (key, change_id, payload_sha256, result, at) VALUES ($10, $1, $11, $12, $8)
  ON CONFLICT (key) DO NOTHING RETURNING change_id),
u AS (
  INSERT INTO change (id, number, workflow, requester, definition, definition_version, state, version, revision, event_n,
    head_hash, deadline_at, filed_at, updated_at, body)
  SELECT change_id, $37, $38, $39, 'route_change', $43, $3, 1, $4, $5, $6, $7, $40, $8, $9 FROM k RETURNING id),";

const VOTES: &str = "
v AS (
  INSERT INTO vote (change_id, revision, slot, seat, approver, packet_sha256, at)
  SELECT u.id, x.revision, x.slot, x.seat, x.approver, x.packet, $8
  FROM u, unnest($28::int[], $29::text[], $30::int[], $31::text[], $32::bytea[])
    AS x(revision, slot, seat, approver, packet)),";

const NOTES: &str = "
t AS (
  INSERT INTO note (id, change_id, author, salt, body, at)
  SELECT x.id, u.id, x.author, x.salt, x.body, $8
  FROM u, unnest($33::text[], $34::text[], $35::bytea[], $36::text[]) AS x(id, author, salt, body)),";

const ROUTE: &str = "
r AS (
  INSERT INTO live_route (workflow, route, generation, change_number, at) SELECT $38, $41, $42, $37, $8 FROM u
  ON CONFLICT (workflow) DO UPDATE SET route = excluded.route, generation = excluded.generation,
    change_number = excluded.change_number, at = excluded.at WHERE live_route.generation < excluded.generation),";

const EVENTS_AND_JOBS: &str = "
e AS (
  INSERT INTO event (change_id, n, kind, actor, command_key, at, body, prev_hash, hash)
  SELECT u.id, x.n, x.kind, x.actor, $10, $8, x.body, x.prev, x.hash
  FROM u, unnest($15::int[], $16::text[], $17::text[], $18::bytea[], $19::bytea[], $20::bytea[])
    AS x(n, kind, actor, body, prev, hash) ORDER BY x.n RETURNING seq, change_id, n, at),
p AS (INSERT INTO ledger_pending (event_seq, change_id, n, at) SELECT seq, change_id, n, at FROM e),
o AS (
  INSERT INTO job (id, change_id, event_n, kind, lane, payload, due_at, max_attempts, created_at)
  SELECT x.id, u.id, x.n, x.kind, x.lane, x.payload, x.due, x.tries, $8
  FROM u, unnest($21::text[], $22::int[], $23::text[], $24::text[], $25::text[], $26::bigint[], $27::int[])
    AS x(id, n, kind, lane, payload, due, tries))
SELECT count(*) FROM u";

/// The parts that a statement has only when there is something for them to do: each one opens its table and its indexes,
/// a seventh of the time that the whole statement takes.
#[derive(Clone, Copy)]
struct Shape(usize);

impl Shape {
    const CREATION: usize = 1;
    const CLAIM: usize = 2;
    const VOTES: usize = 4;
    const NOTES: usize = 8;
    const ROUTE: usize = 16;
    const ALL: usize = 32;

    fn of(commit: &Commit) -> Self {
        let part = |part, needed| if needed { part } else { 0 };
        Self(
            part(Self::CREATION, commit.expected_version.is_none())
                | part(Self::CLAIM, commit.completes.is_some())
                | part(Self::VOTES, !commit.votes.is_empty())
                | part(Self::NOTES, !commit.notes.is_empty())
                | part(Self::ROUTE, commit.live_route.is_some()),
        )
    }

    fn put_together(self) -> String {
        let part = |part, text| if self.0 & part == 0 { "" } else { text };
        let change = if self.0 & Self::CREATION == 0 {
            let holds = part(Self::CLAIM, " AND EXISTS (SELECT 1 FROM claim)");
            format!("{CHANGE}{holds}{COMMAND}")
        } else {
            CREATION.to_owned()
        };
        format!(
            "WITH{}{change}{}{}{}{}{EVENTS_AND_JOBS}",
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

pub(super) async fn commit(warm: &Warm, commit: &Commit) -> Result<Committed, StoreError> {
    let rows = match warm.rows(bind(Shape::of(commit).text(), commit)).await {
        // Another copy of the command was refused at this very moment: that is its answer.
        Err(StoreError::Duplicate(what)) => {
            let taken = key_taken(warm, &commit.command.key).await?;
            return taken.ok_or(StoreError::Duplicate(what));
        }
        rows => rows?,
    };
    let written: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
    if written == 1 {
        return Ok(Committed::Applied);
    }
    why_not(warm, commit).await
}

/// Nothing was written: the key is there already, the claim is void, or the version has moved.
async fn why_not(warm: &Warm, commit: &Commit) -> Result<Committed, StoreError> {
    if let Some(taken) = key_taken(warm, &commit.command.key).await? {
        return Ok(taken);
    }
    if let Some(ticket) = &commit.completes {
        let holds = sqlx::query("SELECT 1 FROM job WHERE seq = $1 AND token = $2 AND done_at IS NULL")
            .bind(ticket.seq)
            .bind(ticket.token);
        if warm.rows(holds).await?.is_empty() {
            return Ok(Committed::ClaimLost);
        }
    }
    Ok(Committed::VersionMoved)
}

async fn key_taken(warm: &Warm, key: &str) -> Result<Option<Committed>, StoreError> {
    let taken = sqlx::query("SELECT payload_sha256, result FROM command WHERE key = $1").bind(key.to_owned());
    let taken = warm.rows(taken).await?;
    let read = |row: &sqlx::postgres::PgRow| {
        Ok(Committed::KeyTaken {
            payload_sha256: super::changes::digest(row.try_get(0)?)?,
            result: row.try_get(1)?,
        })
    };
    taken.first().map(read).transpose()
}

fn bind(text: &'static str, commit: &Commit) -> Bound {
    let change = &commit.change;
    let ticket = commit.completes.as_ref();
    let statement = sqlx::query(text)
        .bind(change.id.as_str())
        .bind(commit.expected_version.unwrap_or_default())
        .bind(change.state)
        .bind(change.revision)
        .bind(change.event_n)
        .bind(&change.head_hash.0[..])
        .bind(change.deadline_at)
        .bind(commit.at.timestamp_millis())
        .bind(&change.body)
        .bind(&commit.command.key)
        .bind(&commit.command.payload_sha256.0[..])
        .bind(&commit.command.result)
        .bind(ticket.map(|ticket| ticket.seq))
        .bind(ticket.map(|ticket| ticket.token));
    bind_notes(
        bind_votes(bind_jobs(bind_events(statement, commit), commit), commit),
        commit,
    )
    .bind(change.number)
    .bind(&change.workflow)
    .bind(&change.requester)
    .bind(change.filed_at)
    .bind(commit.live_route.as_ref().map(|live| live.route.as_str()))
    .bind(commit.live_route.as_ref().map(|live| live.generation))
    .bind(change.definition_version)
    .bind(commit.expected_catalog.as_ref().map(|catalog| &catalog.0[..]))
}

fn bind_events(statement: Bound, commit: &Commit) -> Bound {
    statement
        .bind(column(&commit.events, |event| event.n))
        .bind(column(&commit.events, |event| event.kind))
        .bind(column(&commit.events, |event| event.actor.as_str()))
        .bind(column(&commit.events, |event| event.body.as_slice()))
        .bind(column(&commit.events, |event| &event.prev_hash.0[..]))
        .bind(column(&commit.events, |event| &event.hash.0[..]))
}

fn bind_jobs(statement: Bound, commit: &Commit) -> Bound {
    statement
        .bind(column(&commit.jobs, |job| job.id.as_str()))
        .bind(column(&commit.jobs, |job| job.event_n))
        .bind(column(&commit.jobs, |job| job.kind))
        .bind(column(&commit.jobs, |job| job.lane.as_deref()))
        .bind(column(&commit.jobs, |job| job.payload.as_str()))
        .bind(column(&commit.jobs, |job| job.due_at))
        .bind(column(&commit.jobs, |job| job.max_attempts))
}

fn bind_votes(statement: Bound, commit: &Commit) -> Bound {
    statement
        .bind(column(&commit.votes, |vote| vote.revision))
        .bind(column(&commit.votes, |vote| vote.slot))
        .bind(column(&commit.votes, |vote| vote.seat))
        .bind(column(&commit.votes, |vote| vote.approver.as_str()))
        .bind(column(&commit.votes, |vote| &vote.packet_sha256.0[..]))
}

fn bind_notes(statement: Bound, commit: &Commit) -> Bound {
    statement
        .bind(column(&commit.notes, |note| note.id.as_str()))
        .bind(column(&commit.notes, |note| note.author.as_str()))
        .bind(column(&commit.notes, |note| note.salt.as_slice()))
        .bind(column(&commit.notes, |note| note.body.as_str()))
}

fn column<'row, Row, T>(rows: &'row [Row], pick: impl Fn(&'row Row) -> T) -> Vec<T> {
    rows.iter().map(pick).collect()
}
