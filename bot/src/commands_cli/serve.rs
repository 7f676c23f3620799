//! `governor serve`: the service.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    commands_cli::print,
    config::Config,
    service::{Service, Start},
    telemetry,
};

/// Between refusing commands and ending at the soonest, so that a load balancer sees it and nobody is cut off.
const NOTICE: Duration = Duration::from_secs(1);

/// The service: HTTP, chat, workers, schedules, sealer. Replicas: as many as you like on PostgreSQL, one on SQLite.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor serve
  governor serve --config /etc/governor.toml
  GOVERNOR_SERVER__LISTEN=0.0.0.0:7070 governor serve     each setting can come from the environment")]
pub struct Args {
    /// The settings file; `governor.toml` here when left out.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs until it is told to stop, then ends as [`Service::stop`] says; told a second time, it ends at once.
///
/// # Errors
/// When the settings are wrong, the port is taken or the database cannot be used: one sentence with the remedy.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = Arc::new(Config::load(args.config.as_deref())?);
    telemetry::setup::start(&config.telemetry)?;
    let mut signals = Signals::listen()?;
    let mut start = Start::new(config);
    start.metrics = telemetry::metrics::install();
    let service = Service::start(start).await?;
    print(&format!("governor listens on http://{}\n", service.address))?;
    signals.told().await;
    tracing::info!("told to stop: no new commands; what has begun is finished");
    service.close();
    let ended = async {
        tokio::time::sleep(NOTICE).await;
        service.stop().await;
    };
    tokio::select! {
        () = ended => Ok(ExitCode::SUCCESS),
        () = signals.told() => {
            tracing::warn!("told a second time: ending at once");
            // Not by returning: the runtime would wait for threads that are at work.
            std::process::exit(1)
        }
    }
}

/// Ctrl-C, and what a process manager sends.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
