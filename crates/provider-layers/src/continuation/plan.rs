//! Whether a broken answer is gone on with, and who is asked for the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use provider_core::author::{Continuation, ErrorContext, NextPart};
use provider_core::{
    BlockRef, ChatRequest, ChatResponse, Error, FinishReason, LlmProvider, Message, Operation,
    ResponseFormat, RetryAdvice, TimeoutPhase, ToolChoice,
};
use tokio::time::Instant;

use super::Shared;
use crate::billing::Target;
use crate::error_context::context;

/// The parts of one call.
#[derive(Debug)]
pub(super) struct Plan {
    shared: Arc<Shared>,
    request: ChatRequest,
    /// The place of the model that answers: 0 for that of the request, then the routes.
    at: Arc<AtomicUsize>,
    /// The place of the model that broke off last.
    broke_last: Option<usize>,
    seams: u32,
}

impl Plan {
    pub(super) fn new(shared: Arc<Shared>, request: &ChatRequest) -> Self {
        Self { shared, request: request.clone(), at: Arc::default(), broke_last: None, seams: 0 }
    }

    /// Asks for the rest of a whole answer, until it is one.
    pub(super) async fn chat(mut self, mut broken: Error, start: Instant) -> Result<ChatResponse, Error> {
        loop {
            let mut candidates = self.candidates(broken, Operation::Chat)?;
            broken = loop {
                let Some(candidate) = candidates.next().await else { return Err(candidates.give_up()) };
                let deadlines = self.shared.settings.deadlines(start);
                let error = match deadlines.within(candidate.provider.chat(&candidate.request)).await {
                    Ok((Ok(mut rest), _)) => {
                        rest.attempts.splice(0..0, candidates.failed);
                        return Ok(rest.continuing(candidates.broken));
                    }
                    Ok((Err(error), _)) => candidate.context.apply(error),
                    Err(late) => {
                        let late = candidate.context.apply(late).after(candidates.failed);
                        return Err(late.continuing(candidates.broken));
                    }
                };
                if text_of(&error).is_some() {
                    break error.after(candidates.failed).continuing(candidates.broken);
                }
                candidates.failed(error);
            };
        }
    }

    /// Those who may be asked for the rest, if the answer may be gone on with.
    ///
    /// # Errors
    /// The error that the call ends in.
    fn candidates(&mut self, broken: Error, operation: Operation) -> Result<Candidates, Error> {
        let Some(text) = text_of(&broken).filter(|_| self.counts(&broken)) else { return Err(broken) };
        let request = match self.prefilled(text, &broken) {
            Ok(request) => request,
            Err(why) => return Err(broken.with_note(&format!("not continued, since {why}"))),
        };
        self.seams += 1;
        let from = self.at.load(Relaxed);
        let settings = &self.shared.settings;
        // A service that names a time has somebody else asked meanwhile.
        let advises_another = matches!(broken.retry(), RetryAdvice::Now | RetryAdvice::Exhausted { .. });
        let has_broken_again = self.broke_last.replace(from) == Some(from) && from < settings.routes.len();
        let is_left_out = settings.other_models_only || !advises_another || has_broken_again;
        Ok(Candidates {
            shared: self.shared.clone(),
            request,
            operation,
            model: self.request.model.clone(),
            from,
            next: from + usize::from(is_left_out),
            at: self.at.clone(),
            broken,
            failed: Vec::new(),
            has_objection: false,
        })
    }

    /// Whether the kind of the error is one after which an answer is gone on with.
    fn counts(&self, broken: &Error) -> bool {
        self.shared.settings.kinds.contains(&broken.kind())
            && broken.timeout() != Some(TimeoutPhase::Deadline)
    }

    /// The request for the text behind this one.
    ///
    /// # Errors
    /// The reason why there is none.
    fn prefilled(&self, text: &str, broken: &Error) -> Result<ChatRequest, &'static str> {
        let settings = &self.shared.settings;
        if let Some(why) = broken.partial().and_then(unfit_answer) {
            return Err(why);
        }
        if let Some(why) = unfit_request(&self.request) {
            return Err(why);
        }
        if self.seams >= settings.max_seams {
            return Err("it has as many seams as it may have (max_seams)");
        }
        let request = with_prefix(&self.request, text)?;
        if !self.shared.budget.withdraw() {
            return Err("too many answers have broken off of late");
        }
        Ok(request)
    }
}

impl Continuation for Plan {
    fn go_on(&mut self, broken: Error) -> Result<NextPart, Error> {
        let mut candidates = self.candidates(broken, Operation::Stream)?;
        Ok(Box::pin(async move {
            loop {
                let Some(candidate) = candidates.next().await else { return Err(candidates.give_up()) };
                let error = match candidate.provider.stream(&candidate.request).await {
                    Ok(stream) => {
                        let mut stream = stream.in_context(candidate.context.clone());
                        match stream.ready().await {
                            Ok(()) => return Ok(stream.after(candidates.failed)),
                            Err(error) => error,
                        }
                    }
                    Err(error) => candidate.context.apply(error),
                };
                candidates.failed(error);
            }
        }))
    }
}

/// Those who may be asked for the rest of an answer, in order.
struct Candidates {
    shared: Arc<Shared>,
    /// The request for the rest.
    request: ChatRequest,
    operation: Operation,
    /// The model of the caller's request.
    model: String,
    /// The place of the model that broke off, and that of the one to ask next.
    from: usize,
    next: usize,
    at: Arc<AtomicUsize>,
    broken: Error,
    failed: Vec<Error>,
    has_objection: bool,
}

/// A model to be asked for the rest.
struct Candidate {
    provider: Arc<dyn LlmProvider>,
    request: ChatRequest,
    context: ErrorContext,
}

impl Candidates {
    fn target(&self, place: usize) -> Option<Target<'_>> {
        match place.checked_sub(1) {
            None => Some((&self.shared.inner, &self.model)),
            Some(route) => {
                self.shared.settings.routes.get(route).map(|route| (&route.provider, &*route.model))
            }
        }
    }

    /// The next one that may be asked.
    async fn next(&mut self) -> Option<Candidate> {
        loop {
            let place = self.next;
            self.next += 1;
            let steps = &self.shared.settings.paid_steps;
            let (from, to) = (self.target(self.from)?, self.target(place)?);
            let objection = match place == self.from {
                true => None,
                false => steps.objection("continuation", from, to).await,
            };
            let Some(objection) = objection else {
                let (provider, model) = to;
                let context = context(&**provider, self.operation, Some(model));
                let mut request = self.request.clone();
                model.clone_into(&mut request.model);
                let candidate = Candidate { provider: provider.clone(), request, context };
                self.at.store(place, Relaxed);
                return Some(candidate);
            };
            let broken = self.broken.clone();
            self.broken = match self.has_objection {
                true => broken.with_note(&objection),
                false => steps.not_allowed(broken, &objection),
            };
            self.has_objection = true;
        }
    }

    /// One of them did not begin to answer.
    fn failed(&mut self, error: Error) {
        self.failed.extend(error.into_attempts());
    }

    /// The error of the broken answer, when there is none left.
    fn give_up(self) -> Error {
        let Self { broken, failed, has_objection, .. } = self;
        let note = match failed.last() {
            Some(last) => {
                let model = last.model().unwrap_or("the next model");
                format!("not continued, since {model} did not go on: {}: {}", last.kind(), last.message())
            }
            None if has_objection => return broken,
            None => "not continued, since no model is left to ask".to_owned(),
        };
        let attempts = [broken.attempts(), &*failed].concat();
        broken.with_note(&note).with_attempts(attempts)
    }
}

/// The text that had come of an answer, if there was any.
fn text_of(broken: &Error) -> Option<&str> {
    broken.partial().map(ChatResponse::text).filter(|text| !text.trim().is_empty())
}

/// The reason why an answer is not gone on with, in what had come of it.
fn unfit_answer(partial: &ChatResponse) -> Option<&'static str> {
    let message = &partial.message;
    let is_over = |reason: &FinishReason| *reason.meaning() != FinishReason::Error;
    if !message.tool_calls.is_empty() {
        Some("it has tool calls")
    } else if message.has_signed_reasoning() {
        Some("its thoughts are signed")
    } else if partial.finish_reason.as_ref().is_some_and(is_over) {
        Some("the model had finished it")
    } else if message.refusal.is_some() || message.audio.is_some() || !message.images.is_empty() {
        Some("it is not text alone")
    } else if message.blocks().any(|block| matches!(block, BlockRef::Provider(_))) {
        Some("it has blocks that only its provider understands")
    } else {
        None
    }
}

/// The reason why an answer to this request is not gone on with.
fn unfit_request(request: &ChatRequest) -> Option<&'static str> {
    let is_user = |message: &&Message| matches!(message, Message::User(_));
    let is_signed =
        |message: &Message| matches!(message, Message::Assistant(turn) if turn.has_signed_reasoning());
    let since_user = request.messages.iter().rev().take_while(|message| !is_user(message));
    if !matches!(request.response_format, None | Some(ResponseFormat::Text)) {
        Some("the request asks for a structured answer")
    } else if !matches!(request.tool_choice, None | Some(ToolChoice::Auto | ToolChoice::None)) {
        Some("the request asks for a tool call")
    } else if request.audio.is_some() || request.modalities.iter().any(|modality| modality != "text") {
        Some("the request asks for more than text")
    } else if since_user.into_iter().any(is_signed) {
        Some("the turn has signed thoughts")
    } else {
        None
    }
}

/// The request with this text as the beginning of the answer. Services refuse white space at its end.
fn with_prefix(request: &ChatRequest, text: &str) -> Result<ChatRequest, &'static str> {
    let mut request = request.clone();
    let text = text.trim_end();
    match request.messages.last_mut() {
        // The caller's own beginning of the answer.
        Some(Message::Assistant(begun)) => {
            if !begun.parts.is_empty() || !begun.tool_calls.is_empty() {
                return Err("the request's last message is no text that can be continued");
            }
            begun.text.push_str(text);
        }
        _ => request.messages.push(Message::assistant(text)),
    }
    Ok(request)
}
