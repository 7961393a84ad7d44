//! The trait every provider implements.

use std::any::{Any, TypeId};
use std::fmt;

use async_trait::async_trait;

use crate::error::Operation;
use crate::{Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ProviderDescriptor};

/// An AI model provider, connected and ready.
///
/// Small and dyn-safe: hosts hold an `Arc<dyn LlmProvider>` and never know which provider it is. Comfort
/// lives in [`LlmProviderExt`](crate::LlmProviderExt), which every provider has for free.
///
/// All methods keep these promises:
/// * Dropping the returned future or stream stops our side of the work and closes the connection. Whether the
///   service stops too, and stops billing, is its own business; streams can usually be stopped, whole answers
///   cannot.
/// * No method retries, falls back or changes the request; layers around a provider do.
/// * Errors need not name the provider, the model or the operation: an
///   [`ErrorContext`](crate::author::ErrorContext) around the call fills them in.
///
/// # How it grows
///
/// A capability that comes later adds no methods here. It is a trait of its own, and this trait gets one
/// accessor for it, which returns `None` by default: `fn embeddings(&self) -> Option<&dyn Embeddings>`. No
/// provider has to change for it.
///
/// # Wrappers
///
/// A method with a default would pass a wrapper by. So an implementation that wraps another provider stands
/// under `#[deny(clippy::missing_trait_methods)]`, and with each new accessor its author decides: to wrap
/// the capability as well, or to hand on that of the provider inside. A wrapper outside this workspace that
/// is content with handing on implements [`Delegate`](crate::author::Delegate) in place of this trait.
#[async_trait]
pub trait LlmProvider: fmt::Debug + Send + Sync + 'static {
    /// Returns the descriptor of the provider: name, capabilities, settings.
    fn descriptor(&self) -> &'static ProviderDescriptor;

    /// Asks for an answer and hands it out while it comes in.
    ///
    /// Requires [`Capability::Llm`](crate::Capability::Llm). Promises the law of [`ChatStream`]. Returns once
    /// the service has accepted the request: what is refused outright is an error here and not in the stream.
    ///
    /// # Errors
    /// Everything that goes wrong before the first byte of the answer.
    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error>;

    /// Asks for an answer and waits until it is complete.
    ///
    /// Requires [`Capability::Llm`](crate::Capability::Llm). An error that comes with a part of an answer
    /// keeps it in [`Error::partial`].
    ///
    /// # Errors
    /// Everything that goes wrong; a success without an answer is an error too.
    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let answer = async { self.stream(request).await?.collect().await };
        answer.await.map_err(|error| error.called_as(Operation::Chat))
    }

    /// Fetches the models there are for this key, with prices and abilities.
    ///
    /// # Errors
    /// When the list cannot be fetched or read.
    async fn models(&self) -> Result<Catalogue, Error>;

    /// Fetches the models that the service has for anybody, whether this key may use them or not.
    ///
    /// For a provider whose list is the same for every key it is [`models`](Self::models), which is what
    /// happens unless a provider says otherwise.
    ///
    /// # Errors
    /// As [`models`](Self::models).
    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.models().await
    }

    /// Tests the connection: is the service there, and is the key good?
    ///
    /// Costs nothing and must ask something that a wrong key cannot get.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](crate::ErrorKind::Authentication) for a wrong key, or whatever else is
    /// in the way.
    async fn check(&self) -> Result<ConnectionReport, Error>;

    /// Makes ready for a request that is going to come: connects, so that the request need not wait for it. A
    /// host may call it when a user opens a chat.
    ///
    /// Costs nothing at the service, and promises nothing: requests go through without it, and after it has
    /// failed. Without a connection to make, there is nothing to do.
    ///
    /// # Errors
    /// When there is no connection to be had.
    async fn warm_up(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Returns an interface that stands beside this trait, by its type: a capability whose trait this crate
    /// does not have, or the client of one provider with all that only it can do. Callers use the typed form,
    /// [`LlmProviderExt::extension`](crate::LlmProviderExt::extension), which has an example.
    ///
    /// # Behavior
    /// - Returns a value of exactly the type that is `wanted`; `None` if the provider has none.
    /// - A layer returns what the provider inside it returns. Calls through the interface pass the layers by:
    ///   they are neither retried nor limited, unless a layer knows the type and wraps it.
    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        let _ = wanted;
        None
    }
}
