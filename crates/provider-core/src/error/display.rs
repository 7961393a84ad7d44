//! How an error looks: one line for people, named fields for `Debug`, an object for machines.

use std::error::Error as StdError;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Error, TimeoutPhase};

impl fmt::Display for Error {
    /// `kind: message; field: problem; upstream says: … (provider, model, status, …)` on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &*self.0;
        write!(f, "{}: {}", error.kind, OneLine(&error.message))?;
        for problem in &error.fields {
            write!(f, "; {}: {}", problem.field, OneLine(&problem.problem))?;
        }
        if let Some(words) = error.upstream.as_ref().and_then(|upstream| upstream.message.as_ref()) {
            write!(f, "; upstream says: {}", OneLine(words))?;
        }
        if let Some(what) = &error.next_step {
            write!(f, "; try this: {}", OneLine(what))?;
        }
        let mut context = Vec::new();
        let mut note = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                context.push(format!("{name} {value}"));
            }
        };
        note("provider", error.provider.as_deref());
        note("upstream", error.upstream.as_ref().and_then(|upstream| upstream.provider.as_deref()));
        note("model", error.model.as_deref());
        note("HTTP", error.status.map(|status| status.to_string()).as_deref());
        note(
            "code",
            error.code.as_deref().filter(|code| Some(*code) != status_text(error.status).as_deref()),
        );
        note("generation", error.generation_id.as_deref());
        note("request", error.request_id.as_deref());
        note("clock", error.timeout.map(TimeoutPhase::label));
        if let Some(wait) = error.retry.after() {
            context.push(format!("retry after {} s", wait.as_secs_f64().ceil()));
        }
        match error.attempts.len() {
            0 => {}
            1 => context.push("1 earlier attempt failed".to_owned()),
            several => context.push(format!("{several} earlier attempts failed")),
        }
        if context.is_empty() { Ok(()) } else { write!(f, " ({})", OneLine(&context.join(", "))) }
    }
}

/// Text from outside on one line: a log must not be forged by what a server says.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.0.split(|c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}');
        for (position, words) in words.filter(|words| !words.trim().is_empty()).enumerate() {
            f.write_str(if position == 0 { "" } else { " " })?;
            f.write_str(words.trim())?;
        }
        Ok(())
    }
}

fn status_text(status: Option<u16>) -> Option<String> {
    status.map(|status| status.to_string())
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &*self.0;
        let mut shown = f.debug_struct("Error");
        shown.field("kind", &error.kind).field("message", &error.message).field("retry", &error.retry);
        macro_rules! when_set {
            ($($name:ident),*) => {
                $(if let Some(value) = &error.$name { shown.field(stringify!($name), value); })*
            };
        }
        when_set!(
            status,
            code,
            upstream,
            provider,
            model,
            operation,
            request_id,
            generation_id,
            capability,
            timeout,
            limit,
            next_step,
            details,
            source
        );
        if let Some(partial) = &error.partial {
            // The words of a model do not belong in a log.
            let bytes = partial.text().len();
            let calls = partial.message.tool_calls.len();
            shown.field("partial", &format_args!("{bytes} bytes of text, {calls} tool calls"));
        }
        if !error.fields.is_empty() {
            shown.field("fields", &error.fields);
        }
        if !error.attempts.is_empty() {
            shown.field("attempts", &error.attempts);
        }
        shown.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

impl Serialize for Error {
    /// As an object with the fields that are known.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = &*self.0;
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("kind", &error.kind)?;
        object.serialize_entry("message", &error.message)?;
        object.serialize_entry("retryable", &self.is_retryable())?;
        if self.has_exhausted_retries() {
            object.serialize_entry("retries_exhausted", &true)?;
        }
        if let Some(wait) = error.retry.after() {
            object.serialize_entry("retry_after_seconds", &wait.as_secs_f64())?;
        }
        macro_rules! when_set {
            ($($name:ident),*) => {
                $(if let Some(value) = &error.$name { object.serialize_entry(stringify!($name), value)?; })*
            };
        }
        when_set!(
            status,
            code,
            upstream,
            provider,
            model,
            operation,
            request_id,
            generation_id,
            capability,
            timeout,
            limit,
            next_step,
            details,
            partial
        );
        if !error.fields.is_empty() {
            object.serialize_entry("fields", &error.fields)?;
        }
        if !error.attempts.is_empty() {
            object.serialize_entry("attempts", &error.attempts)?;
        }
        object.end()
    }
}
