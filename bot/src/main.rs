//! The `governor` program: reads the command line and hands over to `commands_cli`.

use std::process::ExitCode;

use bot::commands_cli::{
    self, Format, allocate, analyze, backup, bench, calls, catalog, chat, decide, demo, doctor, forecast,
    ledger, migrate, packet, policy, progress, rate, reconcile, restore, serve, statement, token, variance,
    witness,
};
use clap::{Parser, Subcommand};

/// The system of record for who may use which model, under what data policy, at what budget, and with what evidence.
#[derive(Parser)]
#[command(
    name = "governor",
    version,
    max_term_width = 100,
    after_help = "Begin with `governor demo`. Exit codes: 0 done, 1 a check does not hold, 2 bad usage or bad input."
)]
struct Program {
    /// How results are written to stdout [default: text where a command has one, else JSON].
    #[arg(long, value_enum, global = true)]
    format: Option<Format>,
    #[command(subcommand)]
    command: Command,
}

/// One variant a command; each is a file of `commands_cli`.
#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(serve::Args),
    Analyze(analyze::Args),
    Rate(rate::Args),
    Forecast(forecast::Args),
    Allocate(allocate::Args),
    Variance(variance::Args),
    Reconcile(reconcile::Args),
    Migrate(migrate::Args),
    Doctor(doctor::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Catalog(catalog::Args),
    Chat(chat::Args),
    Decide(decide::Args),
    Statement(statement::Args),
    Token(token::Args),
    Bench(bench::Args),
    Calls(calls::Args),
    Ledger(ledger::Args),
    Packet(packet::Args),
    Witness(witness::Args),
    Policy(policy::Args),
    Progress(progress::Args),
}

fn main() -> ExitCode {
    let program = Program::parse();
    let format = program.format.unwrap_or(Format::Text);
    let outcome = match program.command {
        Command::Demo(args) => served(demo::run(&args, format)),
        Command::Serve(args) => served(serve::run(&args)),
        Command::Analyze(args) => served(analyze::run(&args, program.format)),
        Command::Rate(args) => rate::run(&args),
        Command::Forecast(args) => forecast::run(&args),
        Command::Allocate(args) => allocate::run(&args),
        Command::Variance(args) => variance::run(&args),
        Command::Reconcile(args) => reconcile::run(&args),
        Command::Migrate(args) => served(migrate::run(&args)),
        Command::Doctor(args) => served(doctor::run(&args, format)),
        Command::Backup(args) => served(backup::run(&args, format)),
        Command::Restore(args) => served(restore::run(&args, format)),
        Command::Chat(args) => chat::run(&args, format),
        Command::Catalog(args) => served(catalog::run(&args, format)),
        Command::Decide(args) => decide::run(&args),
        Command::Statement(args) => served(statement::run(&args, format)),
        Command::Token(args) => served(token::run(args, format)),
        Command::Bench(args) => served(bench::run(&args)),
        Command::Calls(args) => served(calls::run(&args, format)),
        Command::Ledger(args) => served(ledger::run(&args, format)),
        Command::Packet(args) => served(packet::run(&args, format)),
        Command::Witness(args) => served(witness::run(&args, format)),
        Command::Policy(args) => served(policy::run(&args, format)),
        Command::Progress(args) => served(progress::run(&args, format)),
    };
    commands_cli::finish(outcome)
}

/// Runs a command that needs the asynchronous runtime.
fn served(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(command)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Program;

    /// The commands under `command` whose help shows no example of themselves.
    fn without_example(command: &clap::Command, path: &str) -> Vec<String> {
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let own = (!help.contains(path)).then(|| path.to_owned());
        let below = command
            .get_subcommands()
            .flat_map(|below| without_example(below, &format!("{path} {}", below.get_name())));
        own.into_iter().chain(below).collect()
    }

    #[test]
    fn every_command_shows_an_example_of_itself() {
        let program = Program::command();
        program.clone().debug_assert();
        let missing: Vec<String> = program
            .get_subcommands()
            .flat_map(|command| without_example(command, &format!("governor {}", command.get_name())))
            .collect();
        assert_eq!(missing, Vec::<String>::new());
    }
}
