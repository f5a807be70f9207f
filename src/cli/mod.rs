//! The command line: one file for each sub-command.
//!
//! A sub-command is a struct with `clap::Args` and a method `run(self) -> Result<(), Failure>` in its own file, with one line
//! in `Command` and one in `main`.

mod arguments;
mod backtest;
mod board;
mod brokers;
mod calibrate;
mod check;
mod config;
mod demo;
mod detect;
mod failure;
mod form;
mod inspect;
mod produce;
mod rehearse;
mod replay;
mod route;
mod run;
mod sample;
mod sensitivity;
mod signals;
mod simulate;
mod terminal;

use clap::{Parser, Subcommand};
use failure::Failure;
use std::io::{self, Write};
use std::process::ExitCode;

/// Streaming churn-signal detector for telecom operators: call-detail and billing events in, explained and routed
/// retention tasks out, exactly once.
#[derive(Parser)]
#[command(name = "churnwatch", version, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch demo                              watch it at work, nothing to install
  churnwatch config > churnwatch.toml          every key with its default and its explanation
  churnwatch check --config churnwatch.toml    is this configuration valid, and what would run?

Exit status: 0 done, 1 failed, 2 wrong usage or configuration; 3 done, but `detect` rejected some records.";

#[derive(Subcommand)]
enum Command {
    Backtest(backtest::Backtest),
    Calibrate(calibrate::Calibrate),
    Board(board::BoardCommand),
    Check(check::Check),
    Config(config::Config),
    Demo(demo::Demo),
    Detect(detect::Detect),
    Inspect(inspect::Inspect),
    Produce(produce::Produce),
    Rehearse(rehearse::Rehearse),
    Route(route::Route),
    Run(run::Run),
    Simulate(simulate::Simulate),
}

/// Runs the command the process was called with.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Backtest(backtest) => backtest.run(),
        Command::Calibrate(calibrate) => calibrate.run(),
        Command::Board(board) => board.run(),
        Command::Check(check) => check.run(),
        Command::Config(config) => config.run(),
        Command::Demo(demo) => demo.run(),
        Command::Detect(detect) => detect.run(),
        Command::Inspect(inspect) => inspect.run(),
        Command::Produce(produce) => produce.run(),
        Command::Rehearse(rehearse) => rehearse.run(),
        Command::Route(route) => route.run(),
        Command::Run(run) => run.run(),
        Command::Simulate(simulate) => simulate.run(),
    };
    let (status, message) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Failed(message)) => (1, message),
        Err(Failure::Usage(message)) => (2, message),
        Err(Failure::Rejected) => return ExitCode::from(3),
    };
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::from(status)
}
