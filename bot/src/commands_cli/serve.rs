//! `governor serve`: the service.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use crate::{
    commands_cli::print,
    config::Config,
    service::{Service, Start},
    telemetry,
};

/// The service: HTTP, chat, workers, schedules, sealer. Replicas: as many as you like on PostgreSQL, one on SQLite.
///
/// Examples:
///   governor serve
///   governor serve --config /etc/governor.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The settings file; `governor.toml` here when left out.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs until it is told to stop.
///
/// # Errors
/// When the settings are wrong, the port is taken or the database cannot be used: one sentence with the remedy.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = Arc::new(Config::load(args.config.as_deref())?);
    telemetry::setup::start(&config.telemetry)?;
    let mut start = Start::new(config);
    start.metrics = telemetry::metrics::install();
    let service = Service::start(start).await?;
    print(&format!("governor listens on http://{}\n", service.address))?;
    stop_is_asked_for().await?;
    service.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C, or what a process manager sends.
async fn stop_is_asked_for() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
