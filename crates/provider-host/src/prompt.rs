//! Reads the prompt from the argument, standard input, or both.

use std::io::{self, IsTerminal, Read};
use std::time::Duration;

use tokio::time::timeout;

use crate::exit::Failure;
use crate::output::Output;

/// The most bytes that are read from standard input.
const MAX_PROMPT_BYTES: u64 = 16 << 20;
/// The silence on standard input after which a note says why nothing happens. Programs are often started with
/// a standard input that stays open.
const STDIN_TIMEOUT: Duration = Duration::from_secs(3);

/// Reads the prompt. Without an argument, or with `-`, it is standard input. Text that is piped in beside an
/// argument is appended after a blank line.
///
/// # Errors
/// When the prompt is empty, or when standard input is not UTF-8 or too long.
pub(crate) async fn read(argument: Option<&str>, output: Output) -> Result<String, Failure> {
    let argument = argument.filter(|text| *text != "-");
    let by_hand = io::stdin().is_terminal();
    let piped = match argument {
        Some(_) if by_hand => String::new(),
        Some(_) => piped_input(output).await?,
        None => {
            if by_hand {
                output.note("Type the prompt, then Ctrl-D on a new line.");
            }
            standard_input().await?
        }
    };
    join(argument.unwrap_or_default(), &piped)
        .ok_or_else(|| Failure::Usage("there is nothing to ask: give a PROMPT, or pipe one in".to_owned()))
}

fn join(argument: &str, piped: &str) -> Option<String> {
    let piped = piped.strip_suffix('\n').unwrap_or(piped);
    let piped = piped.strip_suffix('\r').unwrap_or(piped);
    match (argument.trim().is_empty(), piped.trim().is_empty()) {
        (true, true) => None,
        (true, false) => Some(piped.to_owned()),
        (false, true) => Some(argument.to_owned()),
        (false, false) => Some(format!("{argument}\n\n{piped}")),
    }
}

async fn piped_input(output: Output) -> Result<String, Failure> {
    let mut input = std::pin::pin!(standard_input());
    match timeout(STDIN_TIMEOUT, &mut input).await {
        Ok(text) => text,
        Err(_) => {
            output.note("Waiting for the end of standard input; `< /dev/null` leaves it out.");
            input.await
        }
    }
}

/// Reads standard input on a thread of its own, so that Ctrl-C works meanwhile.
async fn standard_input() -> Result<String, Failure> {
    let failed = |error| Failure::Io("cannot read standard input".to_owned(), error);
    let read = tokio::task::spawn_blocking(|| {
        let mut bytes = Vec::new();
        io::stdin().lock().take(MAX_PROMPT_BYTES + 1).read_to_end(&mut bytes).map(|_| bytes)
    });
    let bytes = read.await.map_err(|error| failed(error.into()))?.map_err(failed)?;
    if bytes.len() as u64 > MAX_PROMPT_BYTES {
        return Err(Failure::Usage(format!("standard input is longer than {} MiB", MAX_PROMPT_BYTES >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| Failure::Usage("standard input is no UTF-8 text".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn argument_and_stdin_are_joined() {
        assert_eq!(join("ask", ""), Some("ask".to_owned()));
        assert_eq!(join("", "text\r\n"), Some("text".to_owned()));
        assert_eq!(join("ask", "text\n"), Some("ask\n\ntext".to_owned()));
        assert_eq!(join(" ", "\n"), None);
    }
}
