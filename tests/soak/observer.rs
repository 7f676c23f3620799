//! Watches the queue from inside the soak's own database: which claims were taken over from somebody who never let go.

use sea_orm::ConnectionTrait;
use workflow_engine::store::db::{Backend, Db};

use super::collect::count;

const TABLE: &str =
    "CREATE TABLE soak_claim (job TEXT NOT NULL, token BIGINT NOT NULL, taken_over BOOLEAN NOT NULL)";

/// A claim whose worker neither finished nor let go still has its lease when the next one comes.
const TAKEN_OVER: &str = "OLD.leased_until IS NOT NULL";
/// A claim, and no release, which voids a token, too.
const CLAIMED: &str = "NEW.token > OLD.token AND NEW.leased_until IS NOT NULL";

/// Adds a trigger that notes every claim.
///
/// # Errors
/// When the table of jobs is not as it was when this was written.
pub async fn install(db: &Db) -> anyhow::Result<()> {
    let connection = db.for_migrations();
    connection.execute_unprepared(TABLE).await?;
    let trigger = match db.backend() {
        Backend::Postgres => format!(
            "CREATE FUNCTION soak_watch() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO soak_claim VALUES (NEW.id, NEW.token, {TAKEN_OVER}); RETURN NULL; END $$;
             CREATE TRIGGER soak_watch AFTER UPDATE ON job FOR EACH ROW WHEN ({CLAIMED})
             EXECUTE FUNCTION soak_watch()"
        ),
        Backend::Sqlite => format!(
            "CREATE TRIGGER soak_watch AFTER UPDATE ON job WHEN {CLAIMED}
             BEGIN INSERT INTO soak_claim VALUES (NEW.id, NEW.token, {TAKEN_OVER}); END"
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
