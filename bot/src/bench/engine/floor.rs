//! What the database does without us, to be compared with.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, TransactionTrait,
};
use workflow_engine::store::db::{Backend, Db};

use super::pgbench::Pgbench;

/// A turn of the floor, in transitions a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    /// Three writes and a commit for each transition.
    pub(super) plain: f64,
    /// On SQLite: the same three writes as units of our writer.
    pub(super) writer: Option<f64>,
}

/// The database without the engine.
pub(super) enum Floor {
    /// `pgbench` on PostgreSQL.
    Pgbench(Box<Pgbench>),
    /// A pool of one connection to a SQLite file, and our writer on another.
    Sqlite(Sqlite),
}

impl Floor {
    /// None when this machine has no `pgbench` for PostgreSQL.
    pub(super) async fn open(url: &str, db: &Db) -> anyhow::Result<Option<Self>> {
        match db.backend() {
            Backend::Postgres => Ok(Pgbench::open(url, db)
                .await?
                .map(|pgbench| Self::Pgbench(Box::new(pgbench)))),
            Backend::Sqlite => {
                let path = url.strip_prefix("sqlite://").context("a SQLite address")?;
                Ok(Some(Self::Sqlite(Sqlite::open(Path::new(path)).await?)))
            }
        }
    }

    /// One turn.
    pub(super) async fn measure(&self, in_flight: u32, turn: Duration) -> anyhow::Result<Rates> {
        match self {
            Self::Pgbench(pgbench) => Ok(Rates {
                plain: pgbench.measure(in_flight, turn).await?,
                writer: None,
            }),
            Self::Sqlite(sqlite) => Ok(Rates {
                plain: sqlite.plain(in_flight, turn).await?,
                writer: Some(sqlite.writer(in_flight, turn).await?),
            }),
        }
    }
}

/// The two ways to write to SQLite.
pub(super) struct Sqlite {
    pool_of_one: DatabaseConnection,
    writer: Db,
}

impl Sqlite {
    async fn open(beside: &Path) -> anyhow::Result<Self> {
        let mut options = ConnectOptions::new(format!(
            "sqlite://{}?mode=rwc",
            beside.with_extension("floor.db").display()
        ));
        options
            .max_connections(1)
            .sqlx_logging(false)
            .test_before_acquire(false)
            .acquire_timeout(Duration::from_secs(60));
        let pool_of_one = Database::connect(options).await?;
        let writer = Db::open(
            &format!("sqlite://{}", beside.with_extension("writer.db").display()),
            2,
        )
        .await?;
        for connection in [&pool_of_one, writer.for_migrations()] {
            connection
                .execute_unprepared(include_str!("floor_sqlite.sql"))
                .await?;
        }
        Ok(Self { pool_of_one, writer })
    }

    async fn plain(&self, in_flight: u32, turn: Duration) -> anyhow::Result<f64> {
        let pool = self.pool_of_one.clone();
        rate(in_flight, turn, move || {
            let pool = pool.clone();
            async move {
                let tx = pool.begin().await?;
                three_writes(&tx).await?;
                Ok(tx.commit().await?)
            }
        })
        .await
    }

    async fn writer(&self, in_flight: u32, turn: Duration) -> anyhow::Result<f64> {
        let db = self.writer.clone();
        rate(in_flight, turn, move || {
            let db = db.clone();
            async move {
                let unit = db.write(|tx| Box::pin(async move { Ok(three_writes(tx).await?) }));
                Ok(unit.await?)
            }
        })
        .await
    }
}

async fn three_writes(tx: &DatabaseTransaction) -> Result<(), sea_orm::DbErr> {
    for statement in include_str!("floor_sqlite_writes.sql").lines() {
        tx.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// How often `work` is done in a second, when `in_flight` do it at once.
async fn rate<F, W>(in_flight: u32, turn: Duration, work: F) -> anyhow::Result<f64>
where
    F: Fn() -> W + Clone + Send + 'static,
    W: Future<Output = anyhow::Result<()>> + Send,
{
    let begun = Instant::now();
    let lanes: Vec<_> = (0..in_flight)
        .map(|_| {
            let work = work.clone();
            tokio::spawn(async move {
                let mut done = 0_u64;
                while begun.elapsed() < turn {
                    work().await?;
                    done += 1;
                }
                anyhow::Ok(done)
            })
        })
        .collect();
    let mut done = 0;
    for lane in lanes {
        done += lane.await??;
    }
    Ok(done as f64 / begun.elapsed().as_secs_f64())
}
