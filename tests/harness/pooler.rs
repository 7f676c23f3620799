//! PgBouncer before a test's database, lending connections by the transaction.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A running PgBouncer; stopped when dropped.
#[derive(Debug)]
pub struct Pooler {
    port: u16,
    process: Child,
    _folder: tempfile::TempDir,
}

/// PgBouncer before `url` with `lent` connections to the server; none, with a printed line, when this machine has no
/// PgBouncer that keeps prepared statements (1.21).
pub fn pooler(url: &str, lent: u32) -> Option<Pooler> {
    if !new_enough() {
        println!("skipped: no PgBouncer 1.21 or newer here; Debian 13's package pgbouncer is one");
        return None;
    }
    let (server, _) = url.strip_prefix("postgres://postgres@")?.split_once('/')?;
    let (host, server_port) = server.split_once(':')?;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
        .port();
    let file = folder.path().join("pgbouncer.ini");
    let settings = format!(
        "[databases]\n* = host={host} port={server_port} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
         default_pool_size = {lent}\nmax_prepared_statements = 100\n"
    );
    std::fs::write(&file, settings).expect("the settings are written");
    let mut command = Command::new("pgbouncer");
    if is_root() {
        // It refuses to be root.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("others may read the settings");
        command.args(["-u", "postgres"]);
    }
    let process = command
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("PgBouncer starts");
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "PgBouncer did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(Pooler {
        port,
        process,
        _folder: folder,
    })
}

impl Pooler {
    /// The address of the database behind `url` through the pooler.
    pub fn through(&self, url: &str) -> String {
        let database = url.rsplit('/').next().unwrap_or_default();
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn new_enough() -> bool {
    let Ok(said) = Command::new("pgbouncer").arg("--version").output() else {
        return false;
    };
    // `PgBouncer 1.25.2`
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = said.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (1, 21)
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|out| out.stdout == b"0\n")
}
