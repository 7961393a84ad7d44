//! Comfort for every provider: the methods that follow from those of the trait.

use std::any::{Any, TypeId};

use crate::{Capabilities, Capability, Error, LlmProvider, ToolLoop, ToolSet};
#[cfg(feature = "schemars")]
use crate::{ChatRequest, Extracted, extract};

/// The methods that follow from those of [`LlmProvider`].
pub trait LlmProviderExt: LlmProvider {
    /// The provider's id, as in [`ProviderDescriptor::id`](crate::ProviderDescriptor::id).
    fn id(&self) -> &'static str {
        self.descriptor().id
    }

    /// Returns the capabilities of the provider.
    fn capabilities(&self) -> Capabilities {
        self.descriptor().capabilities
    }

    /// Makes sure that the provider can do something.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported), naming the provider and the capability.
    fn require(&self, capability: Capability) -> Result<(), Error> {
        self.descriptor().require(capability)
    }

    /// Returns an interface that stands beside [`LlmProvider`], whatever layers are around the provider.
    ///
    /// ```
    /// use std::any::{Any, TypeId};
    /// use std::sync::Arc;
    ///
    /// use provider_core::{LlmProvider, LlmProviderExt};
    ///
    /// trait Embeddings: Send + Sync {
    ///     fn dimensions(&self) -> usize;
    /// }
    ///
    /// struct Acme {
    ///     embeddings: Arc<dyn Embeddings>,
    /// }
    ///
    /// impl Acme {
    ///     /// A provider writes this in `impl LlmProvider`.
    ///     fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
    ///         (wanted == TypeId::of::<Arc<dyn Embeddings>>()).then_some(&self.embeddings)
    ///     }
    /// }
    ///
    /// /// A host calls this.
    /// fn dimensions(provider: &dyn LlmProvider) -> Option<usize> {
    ///     Some(provider.extension::<Arc<dyn Embeddings>>()?.dimensions())
    /// }
    /// ```
    fn extension<T: Any>(&self) -> Option<&T> {
        self.extension_by_id(TypeId::of::<T>())?.downcast_ref()
    }

    /// Lets the model call tools until it answers. Set the limits, then [`run`](ToolLoop::run) it.
    ///
    /// ```
    /// use provider_core::{
    ///     ChatRequest, ChatResponse, Error, FunctionTool, LlmProvider, LlmProviderExt, ToolSet,
    /// };
    ///
    /// async fn roll(provider: &dyn LlmProvider) -> Result<ChatResponse, Error> {
    ///     let die = FunctionTool::new("roll_die", "Rolls a die");
    ///     let tools = ToolSet::new().untyped(die, |_call| async { "4" });
    ///     let request = ChatRequest::new("openai/gpt-4o").user("Roll a die for me.");
    ///     provider.tool_loop(&tools).max_turns(5).run(&request).await.into_response()
    /// }
    /// ```
    fn tool_loop<'a>(&'a self, tools: &'a ToolSet<'a>) -> ToolLoop<'a, Self> {
        ToolLoop::new(self, tools)
    }

    /// Asks for an answer in the form of a type, and reads it. Needs the feature `schemars`.
    ///
    /// The request goes out with the schema of `T` as its [`response_format`](ChatRequest::response_format),
    /// in the form that services demand for `strict`, but without claiming it: see
    /// [`JsonSchema::of`](crate::JsonSchema::of). A request that has a format already keeps it, so strictness
    /// is one setter away: `request.response_format(JsonSchema::strict_of::<T>()?)`.
    ///
    /// ```
    /// use provider_core::schemars::{self, JsonSchema};
    /// use provider_core::{ChatRequest, Error, LlmProvider, LlmProviderExt};
    ///
    /// #[derive(serde::Deserialize, JsonSchema)]
    /// struct Order {
    ///     customer: String,
    ///     items: Vec<Item>,
    /// }
    ///
    /// #[derive(serde::Deserialize, JsonSchema)]
    /// struct Item {
    ///     name: String,
    ///     /// In euros
    ///     price: Option<f64>,
    /// }
    ///
    /// async fn read_mail(provider: &dyn LlmProvider, mail: &str) -> Result<Order, Error> {
    ///     let request = ChatRequest::new("openai/gpt-4o").system("Extract the order.").user(mail);
    ///     Ok(provider.extract(&request).await?.into_value())
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of [`chat`](LlmProvider::chat), and those of [`ChatResponse::parse`], which keep the whole
    /// answer.
    #[cfg(feature = "schemars")]
    fn extract<T>(&self, request: &ChatRequest) -> impl Future<Output = Result<Extracted<T>, Error>> + Send
    where
        T: serde::de::DeserializeOwned + schemars::JsonSchema,
    {
        extract::extract(self, request)
    }
}

impl<P: LlmProvider + ?Sized> LlmProviderExt for P {}
