//! The transition on SQLite: the same rows, statement by statement inside one unit of the writer task.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value};

use super::{
    commit::{Commit, Committed},
    db::Db,
    error::StoreError,
};
use crate::values::Digest;

pub(super) async fn commit(db: &Db, commit: Commit) -> Result<Committed, StoreError> {
    db.write(move |tx| Box::pin(async move { run(tx, &commit).await }))
        .await
}

async fn run(tx: &DatabaseTransaction, commit: &Commit) -> Result<Committed, StoreError> {
    if let Some(taken) = key_taken(tx, &commit.command.key).await? {
        return Ok(taken);
    }
    if !claim_holds(tx, commit).await? {
        return Ok(Committed::ClaimLost);
    }
    if !write_change(tx, commit).await? {
        return Ok(Committed::VersionMoved);
    }
    write_command(tx, commit).await?;
    write_events(tx, commit).await?;
    write_jobs(tx, commit).await?;
    write_votes_and_notes(tx, commit).await?;
    finish_job_and_route(tx, commit).await?;
    Ok(Committed::Applied)
}

async fn execute(tx: &DatabaseTransaction, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

async fn key_taken(tx: &DatabaseTransaction, key: &str) -> Result<Option<Committed>, StoreError> {
    let statement = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "SELECT payload_sha256, result FROM command WHERE key = $1",
        [key.into()],
    );
    let Some(row) = tx.query_one_raw(statement).await? else {
        return Ok(None);
    };
    Ok(Some(Committed::KeyTaken {
        payload_sha256: super::changes::digest(row.try_get("", "payload_sha256")?)?,
        result: row.try_get("", "result")?,
    }))
}

async fn claim_holds(tx: &DatabaseTransaction, commit: &Commit) -> Result<bool, StoreError> {
    let Some(ticket) = &commit.completes else {
        return Ok(true);
    };
    let statement = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "SELECT 1 FROM job WHERE seq = $1 AND token = $2 AND done_at IS NULL",
        [ticket.seq.into(), ticket.token.into()],
    );
    Ok(tx.query_one_raw(statement).await?.is_some())
}

async fn write_change(tx: &DatabaseTransaction, commit: &Commit) -> Result<bool, StoreError> {
    let change = &commit.change;
    let mut values: Vec<Value> = vec![
        change.id.as_str().into(),
        change.state.into(),
        change.revision.into(),
        change.event_n.into(),
        bytes(change.head_hash),
        change.deadline_at.into(),
        commit.at.timestamp_millis().into(),
        change.body.as_str().into(),
        change.definition_version.into(),
    ];
    if let Some(version) = commit.expected_version {
        let head = commit.events.first().map(|event| bytes(event.prev_hash));
        values.extend([
            version.into(),
            head.unwrap_or(Value::Bytes(None)),
            Value::Bytes(commit.expected_catalog.map(|catalog| catalog.0.to_vec())),
        ]);
        let rows = execute(
            tx,
            "UPDATE change SET state = $2, version = version + 1, revision = $3, event_n = $4, head_hash = $5,
               deadline_at = $6, updated_at = $7, body = $8, definition_version = $9 WHERE id = $1 AND version = $10
             AND head_hash = $11 AND (SELECT digest FROM catalog_version ORDER BY seq DESC LIMIT 1) IS $12",
            values,
        )
        .await?;
        return Ok(rows == 1);
    }
    values.extend([
        change.number.into(),
        change.workflow.as_str().into(),
        change.requester.as_str().into(),
        change.filed_at.into(),
    ]);
    execute(
        tx,
        "INSERT INTO change (id, state, version, revision, event_n, head_hash, deadline_at, updated_at, body,
           definition_version, number, workflow, requester, filed_at, definition)
         VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'route_change')",
        values,
    )
    .await?;
    Ok(true)
}

async fn write_command(tx: &DatabaseTransaction, commit: &Commit) -> Result<(), StoreError> {
    execute(
        tx,
        "INSERT INTO command (key, change_id, payload_sha256, result, at) VALUES ($1, $2, $3, $4, $5)",
        vec![
            commit.command.key.as_str().into(),
            commit.change.id.as_str().into(),
            bytes(commit.command.payload_sha256),
            commit.command.result.as_str().into(),
            commit.at.timestamp_millis().into(),
        ],
    )
    .await
    .map(drop)
}

async fn write_events(tx: &DatabaseTransaction, commit: &Commit) -> Result<(), StoreError> {
    for event in &commit.events {
        execute(
            tx,
            "INSERT INTO event (change_id, n, kind, actor, command_key, at, body, prev_hash, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            vec![
                commit.change.id.as_str().into(),
                event.n.into(),
                event.kind.into(),
                event.actor.as_str().into(),
                commit.command.key.as_str().into(),
                commit.at.timestamp_millis().into(),
                event.body.clone().into(),
                bytes(event.prev_hash),
                bytes(event.hash),
            ],
        )
        .await?;
        execute(
            tx,
            "INSERT INTO ledger_pending (event_seq, change_id, n, at) VALUES (last_insert_rowid(), $1, $2, $3)",
            vec![
                commit.change.id.as_str().into(),
                event.n.into(),
                commit.at.timestamp_millis().into(),
            ],
        )
        .await?;
    }
    Ok(())
}

async fn write_jobs(tx: &DatabaseTransaction, commit: &Commit) -> Result<(), StoreError> {
    for job in &commit.jobs {
        execute(
            tx,
            "INSERT INTO job (id, change_id, event_n, kind, lane, payload, due_at, max_attempts, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            vec![
                job.id.as_str().into(),
                commit.change.id.as_str().into(),
                job.event_n.into(),
                job.kind.into(),
                job.lane.clone().into(),
                job.payload.as_str().into(),
                job.due_at.into(),
                job.max_attempts.into(),
                commit.at.timestamp_millis().into(),
            ],
        )
        .await?;
    }
    Ok(())
}

async fn write_votes_and_notes(tx: &DatabaseTransaction, commit: &Commit) -> Result<(), StoreError> {
    for vote in &commit.votes {
        execute(
            tx,
            "INSERT INTO vote (change_id, revision, slot, seat, approver, packet_sha256, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                commit.change.id.as_str().into(),
                vote.revision.into(),
                vote.slot.into(),
                vote.seat.into(),
                vote.approver.as_str().into(),
                bytes(vote.packet_sha256),
                commit.at.timestamp_millis().into(),
            ],
        )
        .await?;
    }
    for note in &commit.notes {
        execute(
            tx,
            "INSERT INTO note (id, change_id, author, salt, body, at) VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                note.id.as_str().into(),
                commit.change.id.as_str().into(),
                note.author.as_str().into(),
                note.salt.clone().into(),
                note.body.as_str().into(),
                commit.at.timestamp_millis().into(),
            ],
        )
        .await?;
    }
    Ok(())
}

async fn finish_job_and_route(tx: &DatabaseTransaction, commit: &Commit) -> Result<(), StoreError> {
    let at = commit.at.timestamp_millis();
    if let Some(ticket) = &commit.completes {
        execute(
            tx,
            "UPDATE job SET done_at = $3, outcome = 'done' WHERE seq = $1 AND token = $2",
            vec![ticket.seq.into(), ticket.token.into(), at.into()],
        )
        .await?;
    }
    if let Some(live) = &commit.live_route {
        execute(
            tx,
            "INSERT INTO live_route (workflow, route, generation, change_number, at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (workflow) DO UPDATE SET route = excluded.route, generation = excluded.generation,
               change_number = excluded.change_number, at = excluded.at
             WHERE live_route.generation < excluded.generation",
            vec![
                commit.change.workflow.as_str().into(),
                live.route.as_str().into(),
                live.generation.into(),
                commit.change.number.into(),
                at.into(),
            ],
        )
        .await?;
    }
    Ok(())
}

fn bytes(digest: Digest) -> Value {
    digest.0.to_vec().into()
}
