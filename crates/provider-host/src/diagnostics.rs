//! Reports errors to the person at the terminal: the error on one line, and one hint what to do.

mod hint;
mod options;

use std::borrow::Cow;

use provider_core::{Error, ErrorKind};

pub(crate) use self::hint::hint;
use crate::exit::Failure;
use crate::output::{Output, text};
use crate::wording;

/// Reports the failure of a command.
pub(crate) fn failure(failure: &Failure, output: Output) {
    match failure {
        Failure::Provider(cause) => error(cause, output),
        Failure::Usage(problem) => line(problem, output),
        Failure::Io(what, error) => line(&format!("{what}: {error}"), output),
        // The terminal has just printed `^C` on this line.
        Failure::Interrupted(None) => output.note("\ninterrupted"),
        Failure::Interrupted(Some(id)) => output.note(&format!("\ninterrupted (generation {id})")),
        Failure::ClosedPipe | Failure::Told(_) => {}
    }
}

/// Reports a provider's error: one line, one more for each invalid setting or field, and a hint.
pub(crate) fn error(error: &Error, output: Output) {
    attempts("", error.attempts(), output);
    if error.fields().is_empty() {
        line(&sentence(error), output);
    } else {
        line(&format!("{}: {}", error.kind(), wording::plain(error.message())), output);
        for (field, problem) in problems(error) {
            output.note(&in_words_of(output, &format!("  {field}: {problem}")));
        }
    }
    if let Some(hint) = hint(error) {
        tell_hint(&hint, output);
    }
}

/// Writes an error on a line of its own.
pub(crate) fn line(problem: &str, output: Output) {
    let problem = text::one_line(problem);
    output.note(&format!("{} {}", output.err.red("error:"), in_words_of(output, &problem)));
}

/// Writes a hint.
pub(crate) fn tell_hint(hint: &str, output: Output) {
    let hint = text::one_line(hint);
    output.note(&format!("{} {}", output.err.yellow("hint:"), in_words_of(output, &hint)));
}

/// A text about flags in the words of where it is shown: a conversation has commands in their place.
fn in_words_of(output: Output, text: &str) -> Cow<'_, str> {
    if output.conversation { wording::of_conversation(text) } else { Cow::Borrowed(text) }
}

/// Reports the failed attempts before an answer or an error of `whom`, oldest first, with `--verbose`.
pub(crate) fn attempts(whom: &str, attempts: &[Error], output: Output) {
    let attempts = attempts.iter().filter(|_| output.verbose);
    for (number, failed) in (1..).zip(attempts) {
        let line = text::one_line(&format!("{whom}attempt {number} failed: {}", sentence(failed)));
        output.note(&output.err.dim(line).to_string());
    }
}

/// An error on one line, without its hint.
pub(crate) fn sentence(error: &Error) -> String {
    let mut said = format!("{}: {}", error.kind(), wording::plain(error.message()));
    for (field, problem) in problems(error) {
        said.push_str(&format!("; {field}: {problem}"));
    }
    let upstream = error.upstream();
    let words = upstream.and_then(|upstream| upstream.message.as_deref());
    if let Some(words) = words.filter(|words| !error.message().contains(*words)) {
        said.push_str(&format!("; upstream says: {words}"));
    }
    let status = error.status().map(|status| status.to_string());
    let code = error.code().filter(|code| Some(*code) != status.as_deref());
    let named = [
        ("provider", error.provider()),
        ("upstream", upstream.and_then(|upstream| upstream.provider.as_deref())),
        ("model", error.model()),
        ("HTTP", status.as_deref()),
        ("code", code),
        ("generation", error.generation_id()),
        ("request", error.request_id()),
    ];
    let mut context: Vec<String> =
        named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))).collect();
    if let Some(wait) = error.retry().after() {
        context.push(format!("retry after {:.0} s", wait.as_secs_f64().ceil()));
    }
    match error.attempts().len() {
        0 => {}
        1 => context.push("1 earlier attempt failed".to_owned()),
        several => context.push(format!("{several} earlier attempts failed")),
    }
    if !context.is_empty() {
        said.push_str(&format!(" ({})", context.join(", ")));
    }
    text::one_line(&said)
}

/// The invalid fields, by the options that set them, each with its problem.
fn problems(error: &Error) -> impl Iterator<Item = (String, String)> {
    let is_request = error.kind() == ErrorKind::InvalidRequest;
    error.fields().iter().map(move |wrong| {
        let field = if is_request { options::option(&wrong.field) } else { wrong.field.clone() };
        (field, text::one_line(&wording::plain(&wrong.problem)))
    })
}
