//! The `churnwatch` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    churnwatch::cli::main()
}
