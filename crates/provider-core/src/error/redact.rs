//! Taking secrets out of errors, and out of the answers that are part of them.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use super::{
    Error, ErrorKind, FieldProblem, Inner, LimitAmount, LimitKind, Operation, RetryAdvice, TimeoutPhase,
    Upstream, UsageLimit,
};
use crate::response::{
    Annotation, AssistantMessage, Audio, ChatResponse, DetailValue, FinishReason, Image, ReasoningDetail,
    Seam, ServedBy, TokenLogprob, ToolCall, TopLogprob, Usage, WithheldCall,
};
use crate::{Capability, ExtraFields, RawJson, Secret, Timestamp};

impl Error {
    /// Takes a secret out of everything in this error: its own words, [what had been
    /// received](Self::partial), the attempts before it and its source. To be called where an error leaves
    /// the provider, since a server may echo a key anywhere.
    ///
    /// Events that were handed out before keep what the model said.
    #[must_use]
    pub fn redact(mut self, secret: &Secret) -> Self {
        Redact::redact(&mut self, secret);
        self
    }
}

impl ChatResponse {
    /// Takes a secret out of everything but what the model said.
    pub(crate) fn redact_beside_message(&mut self, secret: &Secret) {
        let message = std::mem::take(&mut self.message);
        let logprobs = std::mem::take(&mut self.logprobs);
        self.redact(secret);
        (self.message, self.logprobs) = (message, logprobs);
    }
}

/// A value that a secret can be taken out of. Structs are taken apart without `..`, so that one with a new
/// field does not compile until the field is listed here.
trait Redact {
    /// Takes a secret out; true if it was there.
    fn redact(&mut self, secret: &Secret) -> bool;
}

/// Goes through the fields of structs.
macro_rules! redact_fields {
    ($($name:ident { $($field:ident),* })*) => {
        $(impl Redact for $name {
            fn redact(&mut self, secret: &Secret) -> bool {
                let $name { $($field),* } = self;
                let mut found = false;
                $(found |= $field.redact(secret);)*
                found
            }
        })*
    };
}

redact_fields! {
    Inner {
        kind, message, retry, status, code, upstream, provider, model, operation, request_id, generation_id, capability,
        timeout, limit, next_step, attempts, fields, details, partial, source
    }
    Upstream { provider, message }
    UsageLimit { kind, source, scope, window, limit, used, remaining, resets_at }
    FieldProblem { field, problem }
    ServedBy { provider }
    WithheldCall { id, reason }
    ToolCall { id, received_id, name, arguments, extra }
    Audio { id, data, transcript, expires_at, extra }
    TopLogprob { token, logprob, bytes }
    Seam { at, broken_by, provider, model, usage, repeated }
}

/// Types without a text in them. The bytes of a token go with its text, see [`redact_tokens`].
macro_rules! without_text {
    ($($name:ty),*) => {
        $(impl Redact for $name {
            fn redact(&mut self, _: &Secret) -> bool {
                false
            }
        })*
    };
}

without_text!(
    u8,
    u16,
    u64,
    usize,
    f64,
    ErrorKind,
    RetryAdvice,
    Capability,
    TimeoutPhase,
    Operation,
    LimitKind,
    LimitAmount,
    Timestamp
);

impl Redact for Error {
    fn redact(&mut self, secret: &Secret) -> bool {
        self.inner().redact(secret)
    }
}

impl Redact for ChatResponse {
    fn redact(&mut self, secret: &Secret) -> bool {
        let ChatResponse {
            id,
            requested,
            model,
            served_by,
            message,
            withheld_calls,
            finish_reason,
            native_finish_reason,
            stop_sequence,
            usage,
            logprobs,
            created,
            service_tier,
            system_fingerprint,
            extra,
            attempts,
            seams,
            raw,
            last_part_usage,
        } = self;
        for seam in &mut *seams {
            seam.at = secret.redacted_offset(&message.text, seam.at);
        }
        let is_said = message.redact(secret) | redact_tokens(logprobs, secret);
        if is_said && raw.len() > 1 {
            // The pieces that the message was joined from may each have a part of it.
            raw.clear();
        }
        let beside = [
            id.redact(secret),
            requested.redact(secret),
            model.redact(secret),
            served_by.redact(secret),
            withheld_calls.redact(secret),
            finish_reason.redact(secret),
            native_finish_reason.redact(secret),
            stop_sequence.redact(secret),
            usage.redact(secret),
            created.redact(secret),
            service_tier.redact(secret),
            system_fingerprint.redact(secret),
            extra.redact(secret),
            attempts.redact(secret),
            seams.redact(secret),
            raw.redact(secret),
            last_part_usage.redact(secret),
        ];
        is_said || beside.contains(&true)
    }
}

impl Redact for AssistantMessage {
    fn redact(&mut self, secret: &Secret) -> bool {
        let AssistantMessage {
            text,
            // Answers have none.
            parts: _,
            reasoning,
            reasoning_details,
            tool_calls,
            refusal,
            annotations,
            images,
            audio,
            name,
            model,
            made_by,
            made_by_provider,
            extra,
            blocks,
        } = self;
        blocks.redact_starts(text, reasoning.as_deref().unwrap_or_default(), secret);
        let found = [
            text.redact(secret),
            reasoning.redact(secret),
            reasoning_details.redact(secret),
            tool_calls.redact(secret),
            refusal.redact(secret),
            annotations.redact(secret),
            images.redact(secret),
            audio.redact(secret),
            name.redact(secret),
            model.redact(secret),
            made_by.redact(secret),
            made_by_provider.redact(secret),
            extra.redact(secret),
            blocks.provider_json_mut().fold(false, |found, json| json.json_mut().redact(secret) | found),
        ];
        found.contains(&true)
    }
}

/// Takes a secret out of tokens, which each have a piece of it: all of these go, with their bytes and their
/// alternatives.
fn redact_tokens(tokens: &mut [TokenLogprob], secret: &Secret) -> bool {
    let text: String = tokens.iter().map(|token| token.token.as_str()).collect();
    let mut found = secret.find_in(&text).peekable();
    let (mut end, mut is_found) = (0, false);
    for TokenLogprob { token, logprob: _, bytes, top_logprobs } in tokens {
        let start = end;
        end += token.len();
        while found.next_if(|secret| secret.end <= start).is_some() {}
        if found.peek().is_some_and(|secret| secret.start < end) {
            "***".clone_into(token);
            (*bytes, is_found) = (None, true);
            top_logprobs.clear();
        }
        is_found |= top_logprobs.redact(secret);
    }
    is_found
}

impl Redact for Usage {
    fn redact(&mut self, secret: &Secret) -> bool {
        self.raw_mut().redact(secret)
    }
}

impl Redact for FinishReason {
    fn redact(&mut self, secret: &Secret) -> bool {
        match self {
            FinishReason::Other(word) => word.redact(secret),
            FinishReason::Stop
            | FinishReason::Length
            | FinishReason::ToolCalls
            | FinishReason::ContentFilter
            | FinishReason::Error => false,
        }
    }
}

impl Redact for DetailValue {
    fn redact(&mut self, secret: &Secret) -> bool {
        match self {
            DetailValue::Text(text) => text.redact(secret),
            DetailValue::Json(json) => json.redact(secret),
        }
    }
}

impl Redact for ReasoningDetail {
    fn redact(&mut self, secret: &Secret) -> bool {
        self.fields_mut().redact(secret)
    }
}

impl Redact for ExtraFields {
    fn redact(&mut self, secret: &Secret) -> bool {
        let fields = self.fields_mut();
        let mut found = false;
        for (mut name, mut values) in std::mem::take(fields) {
            found |= name.redact(secret) | values.redact(secret);
            fields.entry(name).or_default().append(&mut values);
        }
        found
    }
}

impl Redact for Annotation {
    fn redact(&mut self, secret: &Secret) -> bool {
        self.raw_mut().redact(secret)
    }
}

impl Redact for Image {
    fn redact(&mut self, secret: &Secret) -> bool {
        self.raw_mut().redact(secret)
    }
}

impl Redact for String {
    fn redact(&mut self, secret: &Secret) -> bool {
        let clean = secret.redacted(self);
        clean.map(|clean| *self = clean).is_some()
    }
}

impl Redact for RawJson {
    fn redact(&mut self, secret: &Secret) -> bool {
        // Outside of a text the stars are no JSON.
        let clean = secret.redacted(self.get()).map(|clean| clean.parse());
        clean.map(|clean| *self = clean.unwrap_or_else(|_| RawJson::from_checked("\"***\""))).is_some()
    }
}

impl Redact for Arc<dyn StdError + Send + Sync> {
    fn redact(&mut self, secret: &Secret) -> bool {
        if let Some(error) = self.downcast_ref::<Error>() {
            let mut error = error.clone();
            let is_found = Redact::redact(&mut error, secret);
            if is_found {
                *self = Arc::new(error);
            }
            return is_found;
        }
        let (mut cause, mut is_found): (Option<&dyn StdError>, bool) = (Some(&**self), false);
        while let Some(inner) = cause {
            is_found |= secret.find_in(&format!("{inner} {inner:?}")).next().is_some();
            cause = inner.source();
        }
        if is_found {
            *self = Arc::new(Told(secret.redact(&self.to_string())));
        }
        is_found
    }
}

/// The words of a source that had a secret in it.
#[derive(Debug)]
struct Told(String);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Told {}

impl<T: Redact> Redact for Option<T> {
    fn redact(&mut self, secret: &Secret) -> bool {
        self.as_mut().is_some_and(|value| value.redact(secret))
    }
}

impl<T: Redact> Redact for Box<T> {
    fn redact(&mut self, secret: &Secret) -> bool {
        (**self).redact(secret)
    }
}

impl<T: Redact> Redact for Vec<T> {
    fn redact(&mut self, secret: &Secret) -> bool {
        self.iter_mut().fold(false, |found, value| value.redact(secret) | found)
    }
}

impl<T: Redact> Redact for (String, T) {
    fn redact(&mut self, secret: &Secret) -> bool {
        self.0.redact(secret) | self.1.redact(secret)
    }
}

#[cfg(test)]
mod tests;
