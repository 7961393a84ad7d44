//! Failures in the words of the person at the terminal: what happened, on one line, and what to do about it,
//! once.

mod hint;
mod words;

use provider_core::{Error, ErrorKind};

pub(crate) use self::hint::hint;
pub(crate) use self::words::plain;
use crate::output::{Output, text};

/// Tells a provider's error: one line, or one line and one more for each setting or field that is wrong; and
/// what to do about it.
pub(crate) fn error(error: &Error, output: Output) {
    attempts("", error.attempts(), output);
    if error.fields().is_empty() {
        line(&sentence(error), output);
    } else {
        line(&format!("{}: {}", error.kind(), words::plain(error.message())), output);
        for (field, problem) in problems(error) {
            output.note(&format!("  {field}: {problem}"));
        }
    }
    if let Some(hint) = hint(error) {
        tell_hint(&hint, output);
    }
}

/// Tells what is wrong on a line of its own.
pub(crate) fn line(problem: &str, output: Output) {
    output.note(&format!("{} {}", output.err.red("error:"), text::one_line(problem)));
}

/// Tells what to do.
pub(crate) fn tell_hint(hint: &str, output: Output) {
    output.note(&format!("{} {}", output.err.yellow("hint:"), text::one_line(hint)));
}

/// Tells what failed before an answer or an error of `whom`, oldest first, if that is wanted.
pub(crate) fn attempts(whom: &str, attempts: &[Error], output: Output) {
    let attempts = attempts.iter().filter(|_| output.verbose);
    for (number, failed) in (1..).zip(attempts) {
        let line = text::one_line(&format!("{whom}attempt {number} failed: {}", sentence(failed)));
        output.note(&output.err.dim(line).to_string());
    }
}

/// An error on one line: what happened, without what to do about it.
pub(crate) fn sentence(error: &Error) -> String {
    let mut said = format!("{}: {}", error.kind(), words::plain(error.message()));
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

/// The fields that are wrong, by the options that set them, and what is wrong with each.
fn problems(error: &Error) -> impl Iterator<Item = (String, String)> {
    let is_request = error.kind() == ErrorKind::InvalidRequest;
    error.fields().iter().map(move |wrong| {
        let field = if is_request { words::option(&wrong.field) } else { wrong.field.clone() };
        (field, text::one_line(&words::plain(&wrong.problem)))
    })
}
