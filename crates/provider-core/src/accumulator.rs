//! Puts an answer together from the pieces a provider decodes, and holds it to the law of a stream.

mod tool_calls;

use std::borrow::Cow;
use std::collections::{VecDeque, vec_deque};

use self::tool_calls::OpenCalls;
pub use self::tool_calls::ToolCallPiece;
use crate::response::{BlockKind, Earlier};
use crate::{
    Annotation, Audio, AudioDelta, ChatResponse, Error, ErrorKind, Event, FinishReason, Finished, Image,
    ProviderJson, RawJson, ReasoningDetail, Seam, Secret, TokenLogprob, Usage, WithheldCall,
};

/// The longest id of a generation that an error names, in bytes: what is longer is none, and errors are of
/// bounded size.
const MAX_ID: usize = 256;

/// Collects an answer piece by piece.
///
/// A provider's decoder calls it with what the wire says, as often and in whatever order the wire says it;
/// out come a [`ChatResponse`] and, for a stream, the [`Event`]s. It is here that empty and repeated pieces
/// disappear, tool calls are joined, and an answer without an end becomes an error, so every provider keeps
/// the same law.
///
/// Pieces are borrowed: all that is made for a piece of text is the [`TextDelta`](crate::TextDelta) in its
/// event, which for a short one is no allocation.
///
/// ```
/// use provider_core::author::ResponseAccumulator;
///
/// let mut accumulator = ResponseAccumulator::without_events();
/// accumulator.set_model("openai/gpt-4o-2024-08-06");
/// accumulator.push_text("Hel");
/// accumulator.push_text("lo");
/// accumulator.set_finish_reason("stop");
/// let reply = accumulator.finish()?;
/// assert_eq!(reply.text(), "Hello");
/// # Ok::<(), provider_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct ResponseAccumulator {
    response: ChatResponse,
    calls: OpenCalls,
    events: Option<VecDeque<Event>>,
    end_marked: bool,
    /// Whether something of the answer has come since that was last asked.
    has_life: bool,
    /// The model that was asked, and those that may answer in its place.
    asked: String,
    fallbacks: Vec<String>,
    /// The id of the provider; empty where it is not known.
    provider: Cow<'static, str>,
}

impl ResponseAccumulator {
    /// For a whole answer: collects without queueing events.
    pub fn without_events() -> Self {
        Self::default()
    }

    /// For a stream.
    pub(crate) fn with_events() -> Self {
        Self { events: Some(VecDeque::new()), ..Self::default() }
    }

    /// Sets the models asked for: the request's, and the others that may answer in its place. A provider that
    /// does not set them leaves [`ChatResponse::requested`] and
    /// [`AssistantMessage::made_by`](crate::AssistantMessage::made_by) unset.
    pub fn set_requested(&mut self, model: &str, fallbacks: &[String]) {
        model.clone_into(&mut self.response.requested);
        model.clone_into(&mut self.asked);
        self.fallbacks = fallbacks.to_vec();
    }

    /// Sets the id of the provider that makes the answer, for
    /// [`AssistantMessage::made_by_provider`](crate::AssistantMessage::made_by_provider).
    pub fn set_provider(&mut self, id: impl Into<Cow<'static, str>>) {
        self.provider = id.into();
    }

    /// A chunk of the answer has come. A decoder says so once for each, before or after it hands over what is
    /// in it, and not for a keep-alive: it is a [sign of life](crate::author::Activity::Life) of the answer,
    /// whether anything in it is new or not. Pieces of the answer, structured thoughts, usage, log
    /// probabilities and a finish reason are one of themselves.
    pub fn note_chunk(&mut self) {
        self.has_life = true;
    }

    /// The generation's id. The first one that is not empty counts, here and for the next two.
    pub fn set_id(&mut self, id: &str) {
        if self.response.id.is_none() && !id.is_empty() {
            self.response.id = Some(id.to_owned());
        }
    }

    /// The model that answers.
    pub fn set_model(&mut self, model: &str) {
        if self.response.model.is_empty() {
            self.response.model.push_str(model);
        }
    }

    /// The upstream provider that runs the model.
    pub fn set_served_by(&mut self, provider: &str) {
        if self.response.served_by.provider.is_none() && !provider.is_empty() {
            self.response.served_by.provider = Some(provider.to_owned());
        }
    }

    /// When the answer was made, in seconds since 1970.
    pub fn set_created(&mut self, seconds: u64) {
        self.response.created.get_or_insert(seconds);
    }

    /// The tier that serves.
    pub fn set_service_tier(&mut self, tier: &str) {
        replace(&mut self.response.service_tier, tier);
    }

    /// The upstream provider's fingerprint.
    pub fn set_system_fingerprint(&mut self, fingerprint: &str) {
        replace(&mut self.response.system_fingerprint, fingerprint);
    }

    /// A block of the answer begins: what is pushed of this kind belongs to it, up to the next block of the
    /// kind. For decoders of wires whose answers have an order of blocks (Anthropic's messages), which is
    /// kept for [`AssistantMessage::blocks`](crate::AssistantMessage::blocks). Such a decoder begins every
    /// block. Others never call it, and pay nothing.
    pub fn start_block(&mut self, kind: BlockKind) {
        self.has_life = true;
        self.response.message.start_block(kind);
    }

    /// A whole block that has no place of its own (the result of a tool that the service runs, for example),
    /// kept in its place as [`BlockRef::Provider`](crate::BlockRef::Provider). Its name is the provider's id.
    pub fn push_block(&mut self, block: ProviderJson) {
        self.has_life = true;
        self.response.message.blocks.push_provider(block);
    }

    /// A piece of text.
    pub fn push_text(&mut self, piece: &str) {
        if !piece.is_empty() {
            append(&mut self.response.message.text, piece);
            self.emit(|| Event::Text(piece.into()));
        }
    }

    /// A piece of plain-text thoughts.
    pub fn push_reasoning(&mut self, piece: &str) {
        if !piece.is_empty() {
            append(self.response.message.reasoning.get_or_insert_default(), piece);
            self.show_reasoning(piece);
        }
    }

    /// A piece of thoughts that is collected elsewhere, in the structured ones, and is only to be shown.
    pub fn show_reasoning(&mut self, piece: &str) {
        if !piece.is_empty() {
            self.emit(|| Event::Reasoning(piece.into()));
        }
    }

    /// The structured thoughts so far, to add to. Asking makes the list exist.
    pub fn reasoning_details_mut(&mut self) -> &mut Vec<ReasoningDetail> {
        self.has_life = true;
        self.response.message.reasoning_details.get_or_insert_with(Vec::new)
    }

    /// A piece of a refusal.
    pub fn push_refusal(&mut self, piece: &str) {
        if !piece.is_empty() {
            append(self.response.message.refusal.get_or_insert_default(), piece);
            self.emit(|| Event::Refusal(piece.into()));
        }
    }

    /// A piece of a tool call; pieces of one call are joined.
    pub fn push_tool_call(&mut self, piece: ToolCallPiece<'_>) {
        let delta = self.calls.join(&mut self.response.message.tool_calls, piece);
        if let Some(delta) = delta {
            self.emit(|| Event::ToolCall(delta));
        }
    }

    /// The number of the call that a piece goes on with, as
    /// [`ToolCallDelta::call`](crate::ToolCallDelta::call) has it; nothing when the piece begins a call.
    pub fn position_of_call(&self, piece: &ToolCallPiece<'_>) -> Option<usize> {
        self.calls.call_of(&self.response.message.tool_calls, piece)
    }

    /// An image.
    pub fn push_image(&mut self, image: Image) {
        self.emit(|| Event::Image(image.clone()));
        self.response.message.images.push(image);
    }

    /// A piece of a spoken answer: sound and words are joined, anything else replaces what came before.
    pub fn push_audio(&mut self, piece: Audio) {
        let Audio { id, data, transcript, expires_at, extra } = piece;
        let audio = self.response.message.audio.get_or_insert_with(Audio::default);
        replace(&mut audio.id, id.as_deref().unwrap_or_default());
        audio.expires_at = expires_at.or(audio.expires_at);
        for (name, value) in extra.iter() {
            audio.extra.insert(name, value.clone());
        }
        let data = data.filter(|data| !data.is_empty());
        let transcript = transcript.filter(|words| !words.is_empty());
        if let Some(data) = &data {
            append(audio.data.get_or_insert_default(), data);
        }
        if let Some(words) = &transcript {
            append(audio.transcript.get_or_insert_default(), words);
        }
        if data.is_some() || transcript.is_some() {
            self.emit(|| Event::Audio(AudioDelta { data, transcript }));
        }
    }

    /// The JSON of a chunk or of a whole answer, to be kept as it is.
    pub fn push_raw(&mut self, json: RawJson) {
        self.emit(|| Event::Raw(json.clone()));
        self.response.raw.push(json);
    }

    /// The JSON of a chunk that is only to be shown, and not kept.
    pub fn show_raw(&mut self, json: &str) {
        self.emit(|| Event::Raw(RawJson::from_checked(json)));
    }

    /// A source or a parsed file.
    pub fn push_annotation(&mut self, annotation: Annotation) {
        self.emit(|| Event::Annotation(annotation.clone()));
        self.response.message.annotations.push(annotation);
    }

    /// Log probabilities of the next tokens.
    pub fn push_logprobs(&mut self, tokens: impl IntoIterator<Item = TokenLogprob>) {
        self.has_life = true;
        self.response.logprobs.extend(tokens);
    }

    /// Updates the usage. May be called several times; the newest value of each figure counts.
    pub fn update_usage(&mut self, usage: Usage) {
        self.has_life = true;
        self.response.usage.update(usage);
    }

    /// Why the model stopped. May come several times; the last one counts. An empty one says nothing.
    pub fn set_finish_reason(&mut self, reason: &str) {
        self.has_life |= !reason.is_empty();
        if !reason.is_empty()
            && self.response.finish_reason.as_ref().map(FinishReason::as_str) != Some(reason)
        {
            self.response.finish_reason = Some(FinishReason::from(reason));
        }
    }

    /// The same in the upstream provider's word.
    pub fn set_native_finish_reason(&mut self, reason: &str) {
        self.has_life |= !reason.is_empty();
        replace(&mut self.response.native_finish_reason, reason);
    }

    /// The tool calls that a guard at the service withheld: for the end of an answer, once its other calls
    /// are known. An answer without other calls, which the service calls finished, is finished by a
    /// [content filter](FinishReason::ContentFilter); the service's word stays in
    /// [`extra`](ChatResponse::extra) as `finish_reason`.
    pub fn set_withheld_calls(&mut self, calls: Vec<WithheldCall>) {
        let is_left_out = !calls.is_empty() && self.response.message.tool_calls.is_empty();
        self.response.withheld_calls = calls;
        let Some(reason) = self.response.finish_reason.as_ref().filter(|_| is_left_out) else { return };
        if matches!(reason.meaning(), FinishReason::Stop | FinishReason::ToolCalls) {
            let word = serde_json::Value::from(reason.as_str());
            self.response.extra.insert("finish_reason", word.into());
            self.response.finish_reason = Some(FinishReason::ContentFilter);
        }
    }

    /// The stop text that the model came to. An empty one says nothing.
    pub fn set_stop_sequence(&mut self, text: &str) {
        self.has_life |= !text.is_empty();
        replace(&mut self.response.stop_sequence, text);
    }

    /// A field beside the message that has no place of its own. May come several times; the last value
    /// counts.
    pub fn set_extra(&mut self, name: &str, value: RawJson) {
        self.response.extra.insert(name, value);
    }

    /// One of several values of such a field, all of which are kept.
    pub fn push_extra(&mut self, name: &str, value: RawJson) {
        self.response.extra.push(name, value);
    }

    /// A field of the message that has no place of its own. May come several times; the last value counts.
    pub fn set_message_extra(&mut self, name: &str, value: RawJson) {
        self.response.message.extra.insert(name, value);
    }

    /// One of several values of such a field, all of which are kept.
    pub fn push_message_extra(&mut self, name: &str, value: RawJson) {
        self.response.message.extra.push(name, value);
    }

    /// Takes a secret out of what the service said beside the message, such as ids and fields of its own: a
    /// server may echo a key anywhere. To be called at the end of the answer. Errors have [a method of their
    /// own](Error::redact).
    pub fn redact(&mut self, secret: &Secret) {
        self.response.redact_beside_message(secret);
    }

    /// The wire's own mark of the end (`[DONE]`) was seen.
    pub fn set_end_marked(&mut self) {
        self.end_marked = true;
    }

    /// Returns the answer as collected so far.
    pub fn response(&self) -> &ChatResponse {
        &self.response
    }

    /// Ends a whole answer.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] without any mark of the end, [`ErrorKind::EmptyResponse`] with an end and
    /// nothing before it, [`ErrorKind::Upstream`] when the model stopped because of an error. The error has
    /// what was collected in its [`partial`](Error::partial).
    pub fn finish(mut self) -> Result<ChatResponse, Error> {
        match self.check() {
            Ok(()) => Ok(self.response),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Ends a streamed answer; the errors are those of [`finish`](Self::finish), without what was collected.
    pub(crate) fn conclude(&mut self) -> Result<Finished, Error> {
        self.check()?;
        let response = &self.response;
        Ok(Finished {
            finish_reason: response.finish_reason.clone(),
            native_finish_reason: response.native_finish_reason.clone(),
            usage: response.usage.clone(),
        })
    }

    /// Checks that the answer is one.
    fn check(&mut self) -> Result<(), Error> {
        self.seal();
        let response = &self.response;
        match response.finish_reason.as_ref().map(FinishReason::meaning) {
            Some(FinishReason::Error) => {
                return Err(Error::new(ErrorKind::Upstream, "the model stopped because of an error"));
            }
            Some(_) => {}
            None if !self.end_marked => {
                return Err(Error::new(ErrorKind::Interrupted, "the answer ended before it was complete"));
            }
            None if response.message.is_empty() => {
                return Err(Error::new(ErrorKind::EmptyResponse, "the answer has nothing in it"));
            }
            None => {}
        }
        Ok(())
    }

    /// Gives an error what was collected before it.
    pub fn fail(mut self, error: Error) -> Error {
        self.fail_mut(error)
    }

    pub(crate) fn fail_mut(&mut self, mut error: Error) -> Error {
        self.seal();
        let id = self.response.id.as_deref().filter(|id| id.len() <= MAX_ID);
        if let (None, Some(id)) = (error.generation_id(), id) {
            error = error.with_generation_id(id);
        }
        // Attempts before this answer come before those within it.
        let before = &self.response.attempts;
        if !error.attempts().starts_with(before) {
            error = error.after(before.clone());
        }
        if error.partial().is_none() && self.has_received() {
            error = error.with_partial(self.response.clone());
        }
        error
    }

    /// Whether anything came at all.
    fn has_received(&self) -> bool {
        let ChatResponse { requested, attempts, message, .. } = &self.response;
        let mut nothing = ChatResponse::default();
        nothing.requested.clone_from(requested);
        nothing.attempts.clone_from(attempts);
        nothing.message.made_by.clone_from(&message.made_by);
        nothing.message.made_by_provider.clone_from(&message.made_by_provider);
        self.response != nothing
    }

    /// Gives every tool call its place and its id, and the message its maker.
    fn seal(&mut self) {
        self.calls.seal(&mut self.response);
        let ChatResponse { model, message, .. } = &mut self.response;
        if !self.asked.is_empty() {
            message.made_by = Some(maker(&self.asked, &self.fallbacks, model).to_owned());
        }
        if !self.provider.is_empty() {
            message.made_by_provider = Some(self.provider.clone().into_owned());
        }
    }

    /// Puts the attempts that failed before this answer in front of those already known.
    pub(crate) fn after(&mut self, attempts: Vec<Error>) {
        self.response.attempts.splice(0..0, attempts);
    }

    /// The model that was asked for at first, where this answers in its place.
    pub(crate) fn in_place_of(&mut self, model: &str) {
        model.clone_into(&mut self.response.requested);
    }

    /// The provider and the model that were asked, as far as they are known.
    pub(crate) fn asked(&self) -> (Option<String>, String) {
        let provider = Some(&*self.provider).filter(|provider| !provider.is_empty());
        (provider.map(str::to_owned), self.asked.clone())
    }

    /// Begins the next part of an answer that broke off: all that is not of the text before is forgotten.
    pub(crate) fn begin_part(&mut self, earlier: Earlier, seam: Seam) {
        self.emit(|| Event::Seam(Box::new(seam.clone())));
        self.response = earlier.join(ChatResponse::default(), seam);
        // These are up to the part, whose own accumulator they come from.
        self.calls = OpenCalls::default();
        self.asked.clear();
        self.provider = Cow::Borrowed("");
        self.end_marked = false;
    }

    /// Shows in the answer so far what is known of the part under way.
    pub(crate) fn show_part(&mut self, part: &ChatResponse) {
        let ChatResponse { id, model, served_by, .. } = &mut self.response;
        if model.is_empty() && !part.model.is_empty() {
            model.clone_from(&part.model);
            id.clone_from(&part.id);
            served_by.clone_from(&part.served_by);
        }
    }

    /// An event of the next part, which is collected when the part is whole.
    pub(crate) fn push_event(&mut self, event: Event) {
        self.emit(|| event);
    }

    /// The next part is whole: this is the answer.
    pub(crate) fn end_part(&mut self, whole: ChatResponse) {
        self.response = whole;
        self.end_marked = true;
    }

    /// The next part broke off as well. Returns its error, with all parts.
    pub(crate) fn fail_part(
        &mut self,
        earlier: Earlier,
        part: ChatResponse,
        seam: Seam,
        error: Error,
    ) -> Error {
        let before = earlier.attempts().to_vec();
        self.response = earlier.join(part, seam);
        error.after(before).with_partial(self.response.clone())
    }

    /// Whether there was a [sign of life](crate::author::Activity::Life) since this was last asked.
    pub(crate) fn take_life(&mut self) -> bool {
        std::mem::take(&mut self.has_life)
    }

    /// The events that wait to be read.
    pub(crate) fn events(&self) -> vec_deque::Iter<'_, Event> {
        self.events.as_ref().map(VecDeque::iter).unwrap_or_default()
    }

    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.events.as_mut()?.pop_front()
    }

    pub(crate) fn into_response(self) -> ChatResponse {
        self.response
    }

    fn emit(&mut self, event: impl FnOnce() -> Event) {
        if let Some(events) = &mut self.events {
            events.push_back(event());
        }
    }
}

/// The one of the models that were asked for whose name is most like `served`. Services answer with dated
/// names (`openai/gpt-4o-2024-11-20`), with the same words in another order
/// (`anthropic/claude-4.5-sonnet-20250929` for `claude-sonnet-4.5`), and without variants such as `:nitro`.
fn maker<'a>(requested: &'a str, fallbacks: &'a [String], served: &str) -> &'a str {
    let words = |name: &'a str| name.split(['/', '-', ':']);
    let is_served = |word: &str| served.split(['/', '-', ':']).any(|served| served == word);
    let likeness = |id: &'a str| {
        let name = id.split_once(':').map_or(id, |(name, _)| name);
        if served.starts_with(id) {
            id.len()
        } else if served.starts_with(name) || words(name).all(is_served) {
            name.len()
        } else {
            0
        }
    };
    let mut best = (requested, likeness(requested));
    for fallback in fallbacks {
        let likeness = likeness(fallback);
        if likeness > best.1 {
            best = (fallback, likeness);
        }
    }
    best.0
}

/// Appends a piece to a collected text.
///
/// From a page of memory on, the room grows by a quarter: an open stream holds what it has collected, and
/// doubling would leave up to half of that empty. Appending stays linear in the text.
fn append(text: &mut String, piece: &str) {
    const PAGE: usize = 4 << 10;
    if text.capacity() >= PAGE && text.capacity() - text.len() < piece.len() {
        text.reserve_exact(piece.len().max(text.capacity() / 4));
    }
    text.push_str(piece);
}

fn replace(old: &mut Option<String>, new: &str) {
    if !new.is_empty() && old.as_deref() != Some(new) {
        *old = Some(new.to_owned());
    }
}
