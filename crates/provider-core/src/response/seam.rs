//! Where an answer broke off and another request went on with it.

use serde::Serialize;

use super::overlap::Overlap;
use super::{ChatResponse, Usage};
use crate::{Error, ErrorKind};

/// A place where an answer broke off and another request went on with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Seam {
    /// The byte of the [text](crate::AssistantMessage::text) at which the next part begins.
    pub at: usize,
    /// The kind of the error that the part before ended in. The error itself is among the
    /// [attempts](ChatResponse::attempts), with all that had come by then in its
    /// [`partial`](Error::partial).
    pub broken_by: ErrorKind,
    /// The id of the provider that the next part is of, where it says so.
    pub provider: Option<String>,
    /// The model that was asked for the next part. Empty where the provider did not say.
    pub model: String,
    /// The usage of the part before, which is part of the answer's [usage](ChatResponse::usage). Services
    /// mostly tell it with the end of an answer, so that of a broken one it is often
    /// [unknown](Usage::is_unknown): the answer's usage is too low then.
    pub usage: Usage,
    /// How many bytes at the beginning of the next part repeated the text before, and were left out. Zero in
    /// [`Event::Seam`](crate::Event::Seam), which comes before them.
    pub repeated: usize,
}

/// The parts of an answer before a seam.
#[derive(Clone, Debug)]
pub(crate) struct Earlier {
    /// The answer as far as it came.
    pub(crate) response: ChatResponse,
    /// The attempts that end with the error that broke it off.
    attempts: Vec<Error>,
    broken_by: ErrorKind,
    /// The usage of the newest part.
    usage: Usage,
}

impl Earlier {
    /// The parts that are in an error.
    pub(crate) fn of(broken: Error) -> Self {
        let mut response = broken.partial().cloned().unwrap_or_default();
        let usage = response.last_part_usage.take().map_or_else(|| response.usage.clone(), |usage| *usage);
        Self { response, broken_by: broken.kind(), attempts: broken.into_attempts(), usage }
    }

    /// The errors on the way, up to the one that broke the newest part off.
    pub(crate) fn attempts(&self) -> &[Error] {
        &self.attempts
    }

    /// The seam behind these parts.
    pub(crate) fn seam(&self, provider: Option<String>, model: String) -> Seam {
        Seam {
            at: self.response.message.text.len(),
            broken_by: self.broken_by,
            provider,
            model,
            usage: self.usage.clone(),
            repeated: 0,
        }
    }

    /// The answer that these parts and the next one are.
    pub(crate) fn join(self, mut next: ChatResponse, seam: Seam) -> ChatResponse {
        let ChatResponse { requested, message, mut usage, logprobs, raw, mut seams, .. } = self.response;
        let (length, repeated) = (message.text.len(), seam.repeated);
        let mut text = message.text;
        text.push_str(next.message.text.get(repeated..).unwrap_or_default());
        next.message.text = text;
        next.message.blocks.move_text(length, repeated);
        next.message.annotations.splice(0..0, message.annotations);
        next.last_part_usage = next.last_part_usage.or_else(|| Some(Box::new(next.usage.clone())));
        usage.accumulate(&next.usage);
        (next.requested, next.usage) = (requested, usage);
        next.logprobs.splice(0..0, logprobs);
        next.raw.splice(0..0, raw);
        next.attempts.splice(0..0, self.attempts);
        seams.push(seam);
        seams.extend(next.seams.into_iter().map(|seam| Seam { at: seam.at + length - repeated, ..seam }));
        next.seams = seams;
        next
    }

    /// The same for a part that is there at once, with the text that it repeats left out.
    fn join_whole(self, next: ChatResponse, is_cut_off: bool) -> ChatResponse {
        let mut overlap = Overlap::new(self.response.message.text.clone());
        overlap.push(&next.message.text);
        overlap.finish(is_cut_off);
        let mut seam = self.seam(next.message.made_by_provider.clone(), maker(&next));
        seam.repeated = overlap.repeated();
        self.join(next, seam)
    }
}

/// The model that was asked for an answer.
fn maker(response: &ChatResponse) -> String {
    response.message.made_by.clone().unwrap_or_else(|| response.requested.clone())
}

impl ChatResponse {
    /// The answer that this one is together with what had come in an error before it, which it goes on with:
    /// for layers that ask for the rest of an answer. Text, usage and attempts are those of both parts, and
    /// the [seam](Self::seams) is marked. Thoughts are those of this part alone.
    ///
    /// The text at the beginning of this part that repeats 32 bytes to 4 KiB at the end of the part before,
    /// or all of that, is left out, and so is the white space there.
    #[must_use]
    pub fn continuing(self, broken: Error) -> Self {
        Earlier::of(broken).join_whole(self, false)
    }

    /// Whether the usage has that of all parts: the answer did not break off, or the service told of each
    /// broken part what it used.
    pub fn is_usage_complete(&self) -> bool {
        self.seams.iter().all(|seam| !seam.usage.is_unknown())
    }
}

impl Error {
    /// This error, with what had come in an error before it, whose answer it breaks off once more: its
    /// [`partial`](Self::partial) has both parts, and the error before is among the attempts. See
    /// [`ChatResponse::continuing`].
    #[must_use]
    pub fn continuing(self, broken: Error) -> Self {
        let next = self.partial().cloned().unwrap_or_default();
        let whole = Earlier::of(broken.clone()).join_whole(next, true);
        self.after(broken.into_attempts()).with_partial(whole)
    }
}
