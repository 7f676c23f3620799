//! Fresh databases: a SQLite file, or a database of a PostgreSQL cluster that the tests start themselves.

use std::{
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use migrations::Migrator;
use sea_orm::{ConnectionTrait, Database};
use workflow_engine::store::db::Db;

/// Both databases, for tests that must hold on each.
pub const BOTH: [Kind; 2] = [Kind::Sqlite, Kind::Postgres];

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file in a folder of its own.
    Sqlite,
    /// A database of its own in the cluster.
    Postgres,
}

/// An empty, migrated database; its folder goes with it.
#[derive(Debug)]
pub struct Fresh {
    /// Its address.
    pub url: String,
    /// Holds the SQLite file, and whatever else a test keeps.
    pub folder: tempfile::TempDir,
}

/// A fresh database of `kind`; none, with a printed line, when this machine has no PostgreSQL server.
pub async fn fresh(kind: Kind) -> Option<Fresh> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = match kind {
        Kind::Sqlite => format!("sqlite://{}", folder.path().join("governor.db").display()),
        Kind::Postgres => postgres_database().await?,
    };
    Some(Fresh { url, folder })
}

/// Opens and migrates it.
pub async fn open(fresh: &Fresh) -> Db {
    use sea_orm_migration::MigratorTrait;
    let db = Db::open(&fresh.url, 16).await.expect("the database opens");
    Migrator::up(db.for_migrations(), None)
        .await
        .expect("migrations run");
    db
}

/// Lets the lease of every claim run out: on PostgreSQL they go by the clock of the database, which no test can move.
pub async fn leases_run_out(db: &Db) {
    for sql in [
        "UPDATE job SET leased_until = 0 WHERE leased_until IS NOT NULL",
        "UPDATE singleton SET until = 0",
    ] {
        let done = db.for_migrations().execute_unprepared(sql).await;
        done.expect("leases are rows");
    }
}

/// A new database in the cluster.
pub async fn postgres_database() -> Option<String> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let base = cluster()?;
    let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let admin = Database::connect(format!("{base}/postgres"))
        .await
        .expect("the cluster answers");
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .expect("a database is made");
    Some(format!("{base}/{name}"))
}

/// `postgres://user@host:port` of `TEST_DATABASE_URL`, or of a cluster that lives as long as this test program.
fn cluster() -> Option<&'static str> {
    static CLUSTER: OnceLock<Option<(String, Option<Cluster>)>> = OnceLock::new();
    CLUSTER
        .get_or_init(|| {
            #[expect(
                clippy::disallowed_methods,
                reason = "tests are configured by the environment"
            )]
            if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
                return Some((url.trim_end_matches('/').to_owned(), None));
            }
            let Some(bin) = server_binaries() else {
                println!("skipped: no PostgreSQL server here; apt-get install postgresql-15 brings one");
                return None;
            };
            let cluster = Cluster::start(&bin);
            Some((cluster.url.clone(), Some(cluster)))
        })
        .as_ref()
        .map(|(url, _)| url.as_str())
}

/// The newest installed server's programs.
pub fn server_binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

/// A cluster on a free port, stopped when its last handle or this program goes.
#[derive(Debug)]
pub struct Cluster {
    /// `postgres://postgres@127.0.0.1:PORT`.
    pub url: String,
    /// Its data folder.
    pub data: tempfile::TempDir,
    /// Its port.
    pub port: u16,
    keeper: Child,
}

impl Cluster {
    /// Starts one from the programs in `bin`; as the user `postgres` when this program is root, which it refuses.
    pub fn start(bin: &Path) -> Self {
        Self::start_with(bin, "-c max_connections=200")
    }

    /// The same with settings of the caller's.
    pub fn start_with(bin: &Path, settings: &str) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let root = Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|out| out.stdout == b"0\n");
        if root {
            let owned = Command::new("chown").arg("postgres").arg(data.path()).status();
            assert!(
                owned.is_ok_and(|status| status.success()),
                "the user postgres owns the folder"
            );
        }
        let dir = data.path().display();
        let bin = bin.display();
        // The shell waits on our pipe: when this program ends, however it ends, the server is stopped. A line that says
        // `crash` has it stopped as `pg_ctl -m immediate` does, and started again.
        let script = format!(
            "cd {dir} && {bin}/initdb -D {dir}/db -U postgres -A trust -E UTF8 --no-sync >{dir}/initdb.log 2>&1 && \
             while {bin}/postgres -D {dir}/db -p {port} -h 127.0.0.1 -k {dir} {settings} -c shared_buffers=128MB \
             >>{dir}/server.log 2>&1 & pid=$!; read line; [ \"$line\" = crash ]; do kill -QUIT $pid; wait $pid; done; \
             kill -INT $pid; wait $pid; cd /; rm -rf {dir}"
        );
        let mut command = if root {
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                "sh",
                "-c",
                &script,
            ]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", &script]);
            command
        };
        let keeper = command.stdin(Stdio::piped()).spawn().expect("the server starts");
        let cluster = Self {
            url: format!("postgres://postgres@127.0.0.1:{port}"),
            data,
            port,
            keeper,
        };
        cluster.wait_until_it_answers();
        cluster
    }

    /// Stops the server as a crash would, without a last word on disk, and starts it again; does not wait for either.
    ///
    /// # Errors
    /// When the server's keeper is gone.
    pub fn crash(&self) -> std::io::Result<()> {
        self.keeper
            .stdin
            .as_ref()
            .map_or(Ok(()), |mut pipe| pipe.write_all(b"crash\n"))
    }

    fn wait_until_it_answers(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let log = std::fs::read_to_string(self.data.path().join("server.log")).unwrap_or_default();
            if log.contains("ready to accept connections") {
                return;
            }
            assert!(Instant::now() < deadline, "PostgreSQL did not start: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.keeper.stdin.take() {
            drop(pipe.write_all(b"\n"));
        }
        drop(self.keeper.wait());
    }
}
