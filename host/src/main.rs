//! The binary `fetchlock`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fetchlock::commands::main()
}
