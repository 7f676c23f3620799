//! The `governor` program: reads the command line and hands over to `commands_cli`.

use std::process::ExitCode;

use bot::commands_cli::{
    self, Format, allocate, bench, calls, catalog, chat, decide, forecast, ledger, migrate, packet, rate,
    reconcile, token, variance,
};
use bot::commands_cli::{self as cli, Format, finish};
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
    Rate(rate::Args),
    Forecast(forecast::Args),
    Allocate(allocate::Args),
    Variance(variance::Args),
    Reconcile(reconcile::Args),
    Migrate(migrate::Args),
    Catalog(catalog::Args),
    Chat(chat::Args),
    Decide(decide::Args),
    Token(token::Args),
    Bench(bench::Args),
    Calls(calls::Args),
    Ledger(ledger::Args),
    Packet(packet::Args),
    Serve(cli::serve::Args),
    Rate(cli::rate::Args),
    Forecast(cli::forecast::Args),
    Allocate(cli::allocate::Args),
    Variance(cli::variance::Args),
    Reconcile(cli::reconcile::Args),
    Migrate(cli::migrate::Args),
    Catalog(cli::catalog::Args),
    Decide(cli::decide::Args),
    Token(cli::token::Args),
    Bench(cli::bench::Args),
    Calls(cli::calls::Args),
    Ledger(cli::ledger::Args),
    Packet(cli::packet::Args),
    Chat(cli::chat::Args),
}

fn main() -> ExitCode {
    let program = Program::parse();
    let outcome = match program.command {
        Command::Rate(args) => rate::run(&args),
        Command::Forecast(args) => forecast::run(&args),
        Command::Allocate(args) => allocate::run(&args),
        Command::Variance(args) => variance::run(&args),
        Command::Reconcile(args) => reconcile::run(&args),
        Command::Migrate(args) => served(migrate::run(&args)),
        Command::Catalog(args) => served(catalog::run(&args, program.format)),
        Command::Chat(args) => chat::run(&args, program.format),
        Command::Decide(args) => decide::run(&args),
        Command::Token(args) => served(token::run(args, program.format)),
        Command::Bench(args) => served(bench::run(&args)),
        Command::Calls(args) => served(calls::run(&args, program.format)),
        Command::Ledger(args) => served(ledger::run(&args, program.format)),
        Command::Packet(args) => served(packet::run(&args, program.format)),
        Command::Serve(args) => served(cli::serve::run(&args)),
        Command::Rate(args) => cli::rate::run(&args),
        Command::Forecast(args) => cli::forecast::run(&args),
        Command::Allocate(args) => cli::allocate::run(&args),
        Command::Variance(args) => cli::variance::run(&args),
        Command::Reconcile(args) => cli::reconcile::run(&args),
        Command::Migrate(args) => served(cli::migrate::run(&args)),
        Command::Catalog(args) => served(cli::catalog::run(&args, program.format)),
        Command::Decide(args) => cli::decide::run(&args),
        Command::Token(args) => served(cli::token::run(args, program.format)),
        Command::Bench(args) => served(cli::bench::run(&args)),
        Command::Calls(args) => served(cli::calls::run(&args, program.format)),
        Command::Ledger(args) => served(cli::ledger::run(&args, program.format)),
        Command::Packet(args) => served(cli::packet::run(&args, program.format)),
        Command::Chat(args) => cli::chat::run(&args, program.format),
    };
    finish(outcome)
}

/// Runs a command that needs the asynchronous runtime.
fn served(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(command)
}
