//! Watches the queue from inside the soak's own database: which claims were taken over from somebody who never let go.

use sea_orm::ConnectionTrait;
use workflow_engine::store::db::{Backend, Db};

use super::collect::count;

/// A claim that was neither finished nor released is due exactly one lease after its last sign of life.
const TABLE: &str =
    "CREATE TABLE soak_claim (job TEXT NOT NULL, token BIGINT NOT NULL, taken_over BOOLEAN NOT NULL)";

/// Adds a trigger that notes every claim.
///
/// # Errors
/// When the table of jobs is not as it was when this was written.
pub async fn install(db: &Db, lease_seconds: u64) -> anyhow::Result<()> {
    let lease = lease_seconds * 1_000;
    let taken_over = format!("OLD.heartbeat_at IS NOT NULL AND OLD.due_at = OLD.heartbeat_at + {lease}");
    let connection = db.for_migrations();
    connection.execute_unprepared(TABLE).await?;
    let trigger = match db.backend() {
        Backend::Postgres => format!(
            "CREATE FUNCTION soak_watch() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO soak_claim VALUES (NEW.id, NEW.token, {taken_over}); RETURN NULL; END $$;
             CREATE TRIGGER soak_watch AFTER UPDATE ON job FOR EACH ROW WHEN (NEW.token > OLD.token)
             EXECUTE FUNCTION soak_watch()"
        ),
        Backend::Sqlite => format!(
            "CREATE TRIGGER soak_watch AFTER UPDATE ON job WHEN NEW.token > OLD.token
             BEGIN INSERT INTO soak_claim VALUES (NEW.id, NEW.token, {taken_over}); END"
        ),
    };
    connection.execute_unprepared(&trigger).await?;
    Ok(())
}

/// How many jobs were claimed, and how many of these claims were taken over from a replica that was gone or frozen.
///
/// # Errors
/// When the database does not answer.
pub async fn claims(db: &Db) -> anyhow::Result<(usize, usize)> {
    let all = count(db, "SELECT count(*) AS n FROM soak_claim").await?;
    let taken_over = count(db, "SELECT count(*) AS n FROM soak_claim WHERE taken_over").await?;
    Ok((all, taken_over))
}
