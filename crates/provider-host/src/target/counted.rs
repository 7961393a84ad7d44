//! A target whose calls count in the budgets of the workspace.

use async_trait::async_trait;
use provider_core::author::Delegate;
use provider_core::{ChatRequest, ChatResponse, ChatStream, Error, LlmProvider};

use super::Target;
use crate::budget::{Budgets, Priced};

/// Asks a target, each time with a reservation in the budgets.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) target: Target,
    pub(super) budgets: Budgets,
    /// The models that may answer.
    pub(super) models: Vec<Priced>,
}

#[async_trait]
impl Delegate for Counted {
    fn inner(&self) -> &dyn LlmProvider {
        &**self.target.provider()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let mut held = self.budgets.reserve(request, &self.models).await?;
        match self.target.stream(request).await {
            Ok(stream) => Ok(stream.observed(held)),
            Err(error) => {
                held.ended(Err(&error));
                Err(error)
            }
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let mut held = self.budgets.reserve(request, &self.models).await?;
        let answer = self.target.chat(request).await;
        held.ended(answer.as_ref());
        answer
    }
}
