//! One replica: a real `governor serve` process that can be killed, frozen, stopped and given a wrong clock.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail, ensure};

/// A process of the program, running or not.
#[derive(Debug)]
pub struct Replica {
    /// `r1`, `r2`, …
    pub name: String,
    /// `http://127.0.0.1:PORT`, the same after each start.
    pub base: String,
    /// Its settings, data, clock and log.
    pub folder: PathBuf,
    program: PathBuf,
    environment: Vec<(&'static str, PathBuf)>,
    child: Mutex<Option<Child>>,
}

impl Replica {
    /// Not started yet; its settings still have to be written to [`Replica::settings`].
    ///
    /// # Errors
    /// When its folder cannot be made, or no port is free.
    pub fn new(program: &Path, home: &Path, name: &str, key: &Path) -> anyhow::Result<Self> {
        let folder = home.join(name);
        fs::create_dir_all(&folder)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let clock = folder.join("clock");
        Ok(Self {
            name: name.to_owned(),
            base: format!("http://127.0.0.1:{port}"),
            program: program.to_owned(),
            environment: vec![
                ("SOAK_CLOCK_FILE", clock),
                ("GOVERNOR_LEDGER__SIGNING_KEY_FILE", key.to_owned()),
            ],
            folder,
            child: Mutex::default(),
        })
    }

    /// Its settings file.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.folder.join("governor.toml")
    }

    /// Its log, over all starts.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Runs another command of the program on the same settings and answers what it prints.
    ///
    /// # Errors
    /// With what it said, when it did not succeed.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let out = self
            .prepared()
            .args(arguments)
            .arg("--config")
            .arg(self.settings())
            .output()
            .with_context(|| format!("{} cannot be run", self.program.display()))?;
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        ensure!(
            out.status.success(),
            "governor {} failed: {said}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&out.stderr)
        );
        Ok(said)
    }

    /// Starts it, unless it runs.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn start(&self) -> anyhow::Result<()> {
        let mut child = self.child();
        if child.is_some() {
            return Ok(());
        }
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = self.prepared();
        command.arg("serve").arg("--config").arg(self.settings());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        *child = Some(
            command
                .spawn()
                .with_context(|| format!("{} cannot be run", self.program.display()))?,
        );
        Ok(())
    }

    fn prepared(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// When it does not within `patience`, with the end of its log.
    pub async fn ready(&self, client: &reqwest::Client, patience: Duration) -> anyhow::Result<()> {
        let asking = async {
            loop {
                let answer = client.get(format!("{}/health/ready", self.base)).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(patience, asking).await.is_ok() {
            return Ok(());
        }
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let end: Vec<&str> = log.lines().rev().take(20).collect();
        bail!(
            "{} is not ready after {} s. Its log ends, newest line first, with:\n{}",
            self.name,
            patience.as_secs(),
            end.join("\n")
        )
    }

    /// SIGKILL: whatever it was doing, it does no more.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// SIGSTOP: it stands still wherever it is, and keeps its connections.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT: it goes on as if no time had passed.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// SIGTERM: finishes or gives back what it is doing, and ends.
    ///
    /// # Errors
    /// When it does not end within `patience`, or not well.
    pub async fn stop(&self, patience: Duration) -> anyhow::Result<()> {
        self.signal("-TERM");
        let Some(mut child) = self.child().take() else {
            return Ok(());
        };
        for _ in 0..patience.as_millis() / 50 {
            if let Some(status) = child.try_wait()? {
                ensure!(
                    status.success(),
                    "{} ended with {status} after SIGTERM",
                    self.name
                );
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        drop(child.kill());
        drop(child.wait());
        bail!(
            "{} did not end within {} s of SIGTERM",
            self.name,
            patience.as_secs()
        )
    }

    /// Its clock is wrong by so many seconds from now on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_clock(&self, seconds: i64) -> anyhow::Result<()> {
        // Moved into place, so that it is never read half written.
        let (new, file) = (self.folder.join("clock.new"), self.folder.join("clock"));
        fs::write(&new, seconds.to_string())?;
        fs::rename(new, file)?;
        Ok(())
    }

    fn signal(&self, which: &str) {
        if let Some(child) = self.child().as_ref() {
            drop(
                Command::new("kill")
                    .args([which, &child.id().to_string()])
                    .status(),
            );
        }
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}
