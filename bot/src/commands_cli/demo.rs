//! `governor demo`: the whole product with nothing to set up.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::bail;

use crate::{
    commands_cli::{Format, print},
    demo::{
        recorded,
        stage::{self, Stage},
        story::{self, Numbers},
        summary,
    },
    telemetry,
};

/// The whole product with nothing to set up: SQLite, stand-ins for chat, gateway and vendors, real recorded figures.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor demo                        serves the console and waits for your clicks
  governor demo --once                 plays the story to its end and prints what came of it
  governor demo --dir ./demo --once    keeps everything, with a governor.toml for the other commands
  governor demo --dir ./demo           serves what is kept there")]
pub struct Args {
    /// Port of the console on this machine; the stand-in chat takes the next one.
    #[arg(long, default_value_t = 7070)]
    port: u16,
    /// Where to keep everything; a temporary folder that goes away otherwise.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Play the story to its end, print a summary, and end.
    #[arg(long)]
    once: bool,
}

/// Runs it.
///
/// # Errors
/// When the port is in use or a step of the story does not end as it should.
pub async fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    telemetry::setup::quiet();
    let temporary = tempfile::tempdir()?;
    let folder = args.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    // Nobody looks at the console of a demo that plays itself: any port will do.
    let port = if args.once { 0 } else { args.port };
    let stage = stage::set(&folder, port).await?;
    let told = story::told(&stage).await?;
    if args.once {
        if told.is_some() {
            stage.service.stop().await;
            bail!(
                "{} holds a story that has been played; choose another --dir, or leave out --once to go on with it",
                folder.display()
            );
        }
        return once(stage, format).await;
    }
    serve(stage, told).await
}

async fn once(stage: Stage, format: Format) -> anyhow::Result<ExitCode> {
    let played = summary::play(&stage, say).await;
    stage.service.stop().await;
    let summary = played?;
    match format {
        Format::Json => print(&format!("{}\n", summary.json()))?,
        Format::Text => {
            for line in &summary.lines {
                print(&format!("{line}\n"))?;
            }
        }
    }
    Ok(if summary.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Serves until Ctrl-C; a story that was `told` before goes on where it stood.
async fn serve(stage: Stage, told: Option<Numbers>) -> anyhow::Result<ExitCode> {
    print(&format!(
        "Console   {}/welcome\nChat      {}/\nFolder    {}\n\nCtrl-C ends it.\n",
        stage.base,
        stage.slack.base_url(),
        stage.folder.display()
    ))?;
    let playing = async {
        if let Some(numbers) = told {
            say("This folder's changes stand as they were left; the stand-in chat is a new one.");
            return story::serve_traffic(&stage, numbers).await;
        }
        recorded::record(&stage).await?;
        let numbers = story::file(&stage).await?;
        say("Four changes are filed and being tested; the first results take some seconds.");
        story::serve_traffic(&stage, numbers).await
    };
    tokio::select! {
        played = playing => {
            played?;
            tokio::signal::ctrl_c().await?;
        }
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    stage.service.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// A step, on stderr: stdout is for the summary.
fn say(step: &str) {
    let mut err = std::io::stderr();
    let mark = if err.is_terminal() { "✓ " } else { "" };
    // Nobody reads stderr any more: the story goes on.
    drop(writeln!(err, "{mark}{step}"));
}
