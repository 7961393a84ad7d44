//! The way of one request from model to model.

use std::borrow::Cow;
use std::sync::Arc;

use provider_core::{ChatRequest, ChatResponse, ChatStream, Error, LlmProvider, LlmProviderExt};

use super::{Fallback, billing};

/// Where a request is, and what failed before.
#[derive(Debug)]
pub(super) struct Journey<'a> {
    fallback: &'a Fallback,
    request: &'a ChatRequest,
    /// How many routes have been taken.
    taken: usize,
    failed: Vec<Error>,
}

impl<'a> Journey<'a> {
    pub(super) fn new(fallback: &'a Fallback, request: &'a ChatRequest) -> Self {
        Self { fallback, request, taken: 0, failed: Vec::new() }
    }

    /// Whom to ask now.
    pub(super) fn provider(&self) -> &'a Arc<dyn LlmProvider> {
        self.stop(self.taken).map_or(&self.fallback.provider, |(provider, _)| provider)
    }

    /// What to ask now.
    pub(super) fn request(&self) -> Cow<'a, ChatRequest> {
        if self.taken == 0 {
            return Cow::Borrowed(self.request);
        }
        let mut request = self.request.clone();
        self.model().clone_into(&mut request.model);
        Cow::Owned(request)
    }

    fn model(&self) -> &'a str {
        self.stop(self.taken).map_or(&self.request.model, |(_, model)| model)
    }

    /// The provider and the model that are asked after so many routes; `None` behind the last one.
    fn stop(&self, taken: usize) -> Option<(&'a Arc<dyn LlmProvider>, &'a str)> {
        match taken.checked_sub(1) {
            None => Some((&self.fallback.provider, &self.request.model)),
            Some(index) => self.fallback.routes.get(index).map(|route| (&route.provider, &*route.model)),
        }
    }

    /// Goes on to the next model that may be asked.
    ///
    /// # Errors
    /// The error of this model, if it is no reason to go on, or there is nowhere to go, or not for free.
    pub(super) async fn go_on(&mut self, error: Error) -> Result<(), Error> {
        let mut error = self.named(error);
        if !self.fallback.qualifies(&error) {
            return Err(self.ended(error));
        }
        let mut next = self.taken + 1;
        let mut is_told = false;
        loop {
            let Some(stop) = self.stop(next) else { return Err(self.ended(error)) };
            let here = (self.provider(), self.model());
            let Some(objection) = self.objection(here, stop).await else { break };
            error = if is_told { error.with_note(&objection) } else { not_allowed(error, &objection) };
            is_told = true;
            next += 1;
        }
        // One flat list: what a layer further in tried comes before what it ended in.
        let mut failed: Vec<Error> =
            error.attempts().iter().map(|attempt| self.named(attempt.clone())).collect();
        failed.push(error.with_attempts(Vec::new()));
        self.failed.append(&mut failed);
        self.taken = next;
        Ok(())
    }

    /// Why a step is not to be made.
    async fn objection(&self, from: billing::Place<'_>, to: billing::Place<'_>) -> Option<String> {
        if self.fallback.allow_paid { None } else { billing::objection(self.fallback, from, to).await }
    }

    pub(super) fn streamed(self, stream: ChatStream) -> ChatStream {
        stream.in_place_of(&self.request.model).after(self.failed)
    }

    pub(super) fn answered(self, mut reply: ChatResponse) -> ChatResponse {
        self.request.model.clone_into(&mut reply.requested);
        reply.attempts.splice(0..0, self.failed);
        reply
    }

    fn ended(&mut self, error: Error) -> Error {
        error.in_place_of(&self.request.model).after(std::mem::take(&mut self.failed))
    }

    /// The error with the provider and the model that were asked, unless it names others.
    fn named(&self, mut error: Error) -> Error {
        if error.provider().is_none() {
            error = error.with_provider(self.provider().id());
        }
        if error.model().is_none() {
            error = error.with_model(self.model());
        }
        error
    }
}

/// The error of a model after which the next one may not be asked.
fn not_allowed(error: Error, objection: &str) -> Error {
    let allow = "allow the step from free to paid with `Fallback::allow_paid`";
    let next_step = match error.next_step() {
        Some(other) => format!("{other}; or {allow}"),
        None => allow.to_owned(),
    };
    error.with_note(objection).with_next_step(next_step)
}
