//! The `governor` program: reads the command line and hands over to `commands_cli`.

use std::process::ExitCode;

use bot::commands_cli::{self as cli, Format};
use clap::{Parser, Subcommand};

/// The system of record for who may use which model, under what data policy, at what budget, and with what evidence.
#[derive(Parser)]
#[command(name = "governor", version, max_term_width = 100)]
struct Program {
    /// How results are written to stdout.
    #[arg(long, value_enum, global = true, default_value_t = Format::Text)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

/// One variant a command; each is a file of `commands_cli`.
#[derive(Subcommand)]
enum Command {
    Serve(cli::serve::Args),
    Migrate(cli::migrate::Args),
    Catalog(cli::catalog::Args),
    Token(cli::token::Args),
    Decide(cli::decide::Args),
    Calls(cli::calls::Args),
    Ledger(cli::ledger::Args),
    Packet(cli::packet::Args),
    Rate(cli::rate::Args),
    Forecast(cli::forecast::Args),
    Allocate(cli::allocate::Args),
    Variance(cli::variance::Args),
    Reconcile(cli::reconcile::Args),
    Chat(cli::chat::Args),
    Bench(cli::bench::Args),
}

fn main() -> ExitCode {
    let program = Program::parse();
    let outcome = match program.command {
        Command::Serve(args) => served(cli::serve::run(&args)),
        Command::Migrate(args) => served(cli::migrate::run(&args)),
        Command::Catalog(args) => served(cli::catalog::run(&args, program.format)),
        Command::Token(args) => served(cli::token::run(args, program.format)),
        Command::Decide(args) => cli::decide::run(&args),
        Command::Calls(args) => served(cli::calls::run(&args, program.format)),
        Command::Ledger(args) => served(cli::ledger::run(&args, program.format)),
        Command::Packet(args) => served(cli::packet::run(&args, program.format)),
        Command::Rate(args) => cli::rate::run(&args),
        Command::Forecast(args) => cli::forecast::run(&args),
        Command::Allocate(args) => cli::allocate::run(&args),
        Command::Variance(args) => cli::variance::run(&args),
        Command::Reconcile(args) => cli::reconcile::run(&args),
        Command::Chat(args) => cli::chat::run(&args, program.format),
        Command::Bench(args) => served(cli::bench::run(&args)),
    };
    cli::finish(outcome)
}

/// Runs a command that needs the asynchronous runtime.
fn served(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(command)
}
