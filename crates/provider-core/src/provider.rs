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
/// # Behavior
///
/// These promises hold for every method. Each has a name, and so have those of single methods: the crate
/// `provider-conformance` tests any provider, and its report says which promise a case belongs to.
///
/// - **dropped**: dropping the returned future or stream stops our side of the work and closes the
///   connection. Whether the service stops too, and stops billing, is its own business; streams can usually
///   be stopped, whole answers cannot.
/// - **once**: no method retries, falls back, answers from a cache or changes the request; layers around a
///   provider do.
/// - **bounded**: every wait, every buffer and every chain of redirects has a limit. A service that is
///   silent, or sends without end, makes an error.
/// - **failure**: an error tells the truth: its kind, whether trying again can help, the HTTP status, the
///   service's own words and the time that it asked to wait, on every method and for every refusal. Words
///   that are too long are cut, and a time that makes no sense is left out. It need not name the provider,
///   the model or the operation: an [`ErrorContext`](crate::author::ErrorContext) around the call fills
///   them in.
/// - **redacted**: no secret, and no large part of one, is in an error, in the part of an answer that it
///   keeps, or in `Debug`, also where the service repeats it.
/// - **origin**: requests go to the service that the settings name, and the key in a header alone, for a list
///   as for a chat. A redirect to another origin is an error.
/// - **apart**: calls share connections and no state. Those that run at the same time do not wait for each
///   other, and an earlier one leaves nothing behind for the next.
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
    ///
    /// # Behavior
    /// - **described**: the id is lower-case ASCII without white space, every field has a label and a key of
    ///   its own, and a field for a key is a [`Secret`](crate::FieldKind::Secret).
    /// - **registered**: the same descriptor is among the [linked providers](crate::linked_providers).
    /// - **settings**: connecting sends nothing. A setting that cannot be used is named in an error of the
    ///   kind [`Config`](crate::ErrorKind::Config), which does not repeat its value. White space around a
    ///   value does not count.
    fn descriptor(&self) -> &'static ProviderDescriptor;

    /// Asks for an answer and hands it out while it comes in.
    ///
    /// # Requires
    /// [`Capability::Llm`](crate::Capability::Llm).
    ///
    /// # Behavior
    /// - **law**: the law of [`ChatStream`]: any number of deltas, one end, then no more. Keep-alives, empty
    ///   pieces and whatever follows the wire's mark of the end are not visible; blank pieces are.
    /// - **bytes**: where the network cuts the bytes makes no difference, inside a character neither. Nor
    ///   does the spelling, as far as the wire allows several: line breaks, spaces, null for what is absent.
    /// - **live**: a delta of text, of thoughts or of a tool call is handed out when it has come, before the
    ///   next one has. A slow reader holds the socket back.
    /// - **collected**: text, thoughts, tool calls, the id, the model, the finish reason and the usage are in
    ///   the answer as the service sent them, in whichever order they came; the usage that came last counts.
    ///   A tool call that was cut off cannot be run, even if its arguments are JSON.
    /// - **accepted**: returns once the service has accepted the request, and does not wait for the first
    ///   piece. A request that is refused outright is an error here and not in the stream.
    /// - **kept**: an answer without an end, or with a frame that cannot be read, is an error. It keeps all
    ///   that had come in [`Error::partial`], and the usage that follows an error in the stream.
    /// - **sent**: all that a request asks for is sent as it is, or refused by name and not sent at all:
    ///   every message in its role and its place, every value of a list, every digit. No parameter and no
    ///   message is added, and none that is meant for another provider is sent. Hints may be left out where
    ///   the wire has no place for them: [`refuse_all_but`](crate::author::refuse_all_but) names them.
    ///
    /// # Errors
    /// Everything that goes wrong before the first byte of the answer.
    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error>;

    /// Asks for an answer and waits until it is complete.
    ///
    /// # Requires
    /// [`Capability::Llm`](crate::Capability::Llm).
    ///
    /// # Behavior
    /// - **same**: the answer is the one that a stream would have collected.
    /// - **error**: an error inside a success is an error, and so is a success without an answer. A part of
    ///   an answer that came with it is in [`Error::partial`].
    ///
    /// # Errors
    /// Everything that goes wrong; a success without an answer is an error too.
    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let answer = async { self.stream(request).await?.collect().await };
        answer.await.map_err(|error| error.called_as(Operation::Chat))
    }

    /// Fetches the models there are for this key, with prices and abilities.
    ///
    /// # Behavior
    /// - **listed**: the ids are those of the service, byte for byte, all of them, be they hundreds or none.
    ///   No chat is sent.
    /// - **unread**: an answer that is no list is an error, and not an empty list.
    ///
    /// # Errors
    /// When the list cannot be fetched or read.
    async fn models(&self) -> Result<Catalogue, Error>;

    /// Fetches the models that the service has for anybody, whether this key may use them or not.
    ///
    /// For a provider whose list is the same for every key it is [`models`](Self::models), which is what
    /// happens unless a provider says otherwise.
    ///
    /// # Behavior
    /// - **all**: has every model of the service, as [`models`](Self::models) would list it.
    ///
    /// # Errors
    /// As [`models`](Self::models).
    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.models().await
    }

    /// Tests the connection: is the service there, and is the key good?
    ///
    /// # Behavior
    /// - **key**: asks something that a wrong key cannot get: succeeds with a good key, and fails with a
    ///   wrong one, with one that may not or cannot pay, or without the service.
    /// - **free**: costs nothing: no chat is sent, unless one that lacks everything, which no service can
    ///   run.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](crate::ErrorKind::Authentication) for a wrong key, or whatever else is
    /// in the way.
    async fn check(&self) -> Result<ConnectionReport, Error>;

    /// Makes ready for a request that is going to come: connects, so that the request need not wait for it. A
    /// host may call it when a user opens a chat.
    ///
    /// # Behavior
    /// - **idle**: costs nothing at the service. Requests go through without it, and after it has failed.
    ///   Without a connection to make, there is nothing to do.
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
    /// - **exact**: returns a value of exactly the type that is `wanted`; `None` if the provider has none.
    /// - **inner**: a layer returns what the provider inside it returns. Calls through the interface pass the
    ///   layers by: they are neither retried nor limited, unless a layer knows the type and wraps it.
    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        let _ = wanted;
        None
    }
}
