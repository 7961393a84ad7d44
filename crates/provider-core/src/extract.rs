//! Structured output: a schema made from a Rust type, and the answer read into it.

mod answer;
mod read;
mod schema;
mod strict;

use schemars::JsonSchema as SchemaOf;
use serde::de::DeserializeOwned;

pub(crate) use self::read::read_json;
use crate::{ChatRequest, ChatResponse, Error, JsonSchema, LlmProvider};

/// A model's answer, as a value of the caller's own type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Extracted<T> {
    /// The value.
    pub value: T,
    /// The answer it was read from: its text, usage, cost.
    pub response: ChatResponse,
}

impl<T> Extracted<T> {
    /// The value alone.
    pub fn into_value(self) -> T {
        self.value
    }
}

/// Carries out [`LlmProviderExt::extract`](crate::LlmProviderExt::extract).
pub(crate) async fn extract<T, P>(provider: &P, request: &ChatRequest) -> Result<Extracted<T>, Error>
where
    T: DeserializeOwned + SchemaOf,
    P: LlmProvider + ?Sized,
{
    let mut request = request.clone();
    request.response_format.get_or_insert_with(|| JsonSchema::of::<T>().into());
    let response = provider.chat(&request).await?;
    match answer::read(&response) {
        Ok(value) => Ok(Extracted { value, response }),
        Err(error) => Err(error
            .with_provider(provider.descriptor().id)
            .with_model(request.model)
            .with_partial(response)),
    }
}

impl ChatResponse {
    /// Reads the answer's text as JSON of the type `T`. White space around it and a Markdown fence do no
    /// harm. Needs the feature `schemars`.
    ///
    /// # Errors
    /// The whole answer is in the error's [`partial`](Error::partial), whatever the error is:
    /// * [`ErrorKind::InvalidOutput`](crate::ErrorKind::InvalidOutput) when the text is no JSON or does not
    ///   fit. Its [`fields`](Error::fields) name the place (`order.items[2].price`), its
    ///   [`details`](Error::details) are the text, up to 8 KiB of it. Or the model called tools and said
    ///   nothing: run them, in a [`tool_loop`](crate::LlmProviderExt::tool_loop) for example, and parse its
    ///   last answer.
    /// * [`ErrorKind::Truncated`](crate::ErrorKind::Truncated) when a token limit cut it off.
    /// * [`ErrorKind::ContentPolicy`](crate::ErrorKind::ContentPolicy) when the model refused or a filter
    ///   stopped it.
    /// * [`ErrorKind::EmptyResponse`](crate::ErrorKind::EmptyResponse) when there is no text.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        answer::read(self).map_err(|error| error.with_partial(self.clone()))
    }
}
