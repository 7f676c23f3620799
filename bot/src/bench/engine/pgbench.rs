//! What PostgreSQL does without us: `pgbench` with one transaction of three writes for each transition.

use std::{io::Write, process::Command, time::Duration};

use anyhow::{Context, bail};
use sea_orm::ConnectionTrait;
use tempfile::NamedTempFile;
use url::Url;
use workflow_engine::store::db::Db;

/// Bytes of a change, an event and a job's payload, as the bench's own workflows have on average.
const BYTES: [(&str, usize); 3] = [("change", 1_900), ("event", 430), ("payload", 60)];

/// `pgbench` on the same database.
pub(super) struct Pgbench {
    url: Url,
    password: Option<String>,
    script: NamedTempFile,
    db: Db,
}

impl Pgbench {
    /// None when the program is not there.
    pub(super) async fn open(url: &str, db: &Db) -> anyhow::Result<Option<Self>> {
        if Command::new("pgbench").arg("--version").output().is_err() {
            return Ok(None);
        }
        let mut url = Url::parse(url).context("database-url")?;
        let password = url.password().map(str::to_owned);
        // A command line can be read by every user of the machine.
        if password.is_some() && url.set_password(None).is_err() {
            bail!("database-url: a password without a host");
        }
        let mut script = NamedTempFile::new()?;
        script.write_all(include_bytes!("floor.sql"))?;
        Ok(Some(Self {
            url,
            password,
            script,
            db: db.clone(),
        }))
    }

    /// Transitions a second.
    pub(super) async fn measure(&self, in_flight: u32, turn: Duration) -> anyhow::Result<f64> {
        let schema = include_str!("floor_schema.sql");
        self.db.for_migrations().execute_unprepared(schema).await?;
        let mut command = Command::new("pgbench");
        command
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--define=n=0"])
            .arg(format!("--client={in_flight}"))
            .arg(format!("--time={}", turn.as_secs()))
            .arg(format!("--file={}", self.script.path().display()));
        for (name, bytes) in BYTES {
            command.arg(format!("--define={name}={}", "x".repeat(bytes)));
        }
        command.arg(self.url.as_str());
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        let out = tokio::task::spawn_blocking(move || command.output()).await??;
        let text = String::from_utf8_lossy(&out.stdout);
        if !out.status.success() {
            bail!("pgbench: {}", String::from_utf8_lossy(&out.stderr).trim());
        }
        rate(&text).context("pgbench says no rate")
    }
}

/// From `tps = 2970.123 (without initial connection time)`.
fn rate(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_what_pgbench_prints() {
        let text = "latency average = 10.8 ms\ntps = 2970.123456 (without initial connection time)\n";
        assert_eq!(rate(text), Some(2_970.123_456));
        assert_eq!(rate("no rate here"), None);
    }
}
