//! Log probabilities.

use lenient_json::{Count, FromJson, Raw, Reader, Text, number, object};
use provider_core::author::ResponseAccumulator;
use provider_core::{RawJson, TokenLogprob, TopLogprob};

use crate::values::Keep as _;
object! {
    /// The log probabilities of a choice.
    pub(crate) struct Logprobs<'a> {
        content: Raw<'a> = "content",
        refusal: Raw<'a> = "refusal",
    }
}

object! {
    /// The log probability of a token.
    pub(crate) struct WireLogprob<'a> {
        token: Text<'a> = "token",
        logprob: Raw<'a> = "logprob",
        bytes: Raw<'a> = "bytes",
        top: Raw<'a> = "top_logprobs",
    }
}

/// Collects the log probabilities of a choice. A field without a place of its own is kept under `logprobs.`
/// and its name.
pub(crate) fn collect(raw: Raw<'_>, out: &mut ResponseAccumulator) {
    let Some(json) = raw.get() else { return };
    if !raw.is_object() {
        out.set_extra("logprobs", RawJson::from_checked(json));
        return;
    }
    let logprobs: Logprobs<'_> = raw.read().unwrap_or_default();
    logprobs.content.for_each(|token: Raw<'_>| {
        out.push_logprobs(
            token.is_object().then(|| token.read::<WireLogprob<'_>>()).flatten().map(Into::into),
        );
    });
    if let Some(refusal) = logprobs.refusal.keep() {
        // Each chunk has those of its own tokens.
        out.push_extra("logprobs.refusal", refusal);
    }
    for (name, value) in logprobs.unknown {
        out.set_extra(&format!("logprobs.{name}"), RawJson::from_checked(value));
    }
}

/// A list of bytes, if the value is one.
#[derive(Default)]
struct Bytes(Option<Vec<u8>>);

impl<'a> FromJson<'a> for Bytes {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        let mut bytes = Some(Vec::new());
        Raw::of(reader.value()?).for_each(|byte: Count| {
            match byte.0.and_then(|byte| u8::try_from(byte).ok()) {
                Some(byte) => bytes.iter_mut().for_each(|bytes| bytes.push(byte)),
                None => bytes = None,
            }
        });
        Some(Bytes(bytes))
    }
}

impl From<WireLogprob<'_>> for TokenLogprob {
    fn from(wire: WireLogprob<'_>) -> Self {
        let mut top = Vec::new();
        wire.top.for_each(|other: WireLogprob<'_>| {
            let mut token = TopLogprob::new(other.token.into_cow().into_owned(), number(other.logprob));
            token.bytes = other.bytes.read::<Bytes>().and_then(|bytes| bytes.0);
            top.push(token);
        });
        let mut token = TokenLogprob::new(wire.token.into_cow().into_owned(), number(wire.logprob), top);
        token.bytes = wire.bytes.read::<Bytes>().and_then(|bytes| bytes.0);
        token
    }
}
