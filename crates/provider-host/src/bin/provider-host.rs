//! The older name of `asq`, for one more release: starts it with the same arguments.

use std::io::Write as _;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let own = std::env::current_exe().unwrap_or_default();
    let program = own.with_file_name(format!("asq{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(&program);
    command.args(std::env::args_os().skip(1));
    let error = run(command);
    let told =
        format!("error: cannot start {}, which provider-host is called now: {error}", program.display());
    // Without a reader, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "{told}");
    ExitCode::FAILURE
}

/// Becomes the program, so that signals and exit codes are its own. Returns the error if it cannot.
#[cfg(unix)]
fn run(mut command: Command) -> std::io::Error {
    std::os::unix::process::CommandExt::exec(&mut command)
}

/// Runs the program and ends with its exit code. Returns the error if it cannot.
#[cfg(not(unix))]
fn run(mut command: Command) -> std::io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
