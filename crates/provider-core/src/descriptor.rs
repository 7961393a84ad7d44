//! A provider as data, and how its crate makes it known.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::{
    Capabilities, Capability, ChatRequest, ConfigField, ConfigValues, Error, KeyGrant, LlmProvider,
    ModelDetails, ProviderContext,
};

/// A provider as data: its names, what it can do, which settings it takes, and how to connect it.
///
/// It serialises as a settings page needs it. A provider's crate has one as a `static`, made with
/// [`new`](Self::new) and the methods that go on from there, and makes it known with
/// [`register_provider!`](crate::register_provider); it can be put in a registry by hand as well.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct ProviderDescriptor {
    /// The name in code and in model references: lower-case letters, digits, `_` and `-`.
    pub id: &'static str,
    /// The name to show (`OpenRouter`).
    pub display_name: &'static str,
    /// One sentence about it.
    pub description: &'static str,
    /// The capabilities.
    pub capabilities: Capabilities,
    /// The settings, in the order a form shows them.
    pub fields: &'static [ConfigField],
    /// Web pages to link to.
    pub links: Links,
    /// Whether the provider may know models that its catalogue does not list (presets, variants), so that any
    /// id may be tried.
    pub accepts_unlisted_models: bool,
    #[serde(skip)]
    claims: fn(&str) -> bool,
    #[serde(skip)]
    pin_upstream: Option<fn(&mut ChatRequest, &str) -> bool>,
    #[serde(skip)]
    other_models: Option<fn(&ChatRequest) -> Vec<OtherModel>>,
    #[serde(skip)]
    chat_completions: Option<ReadChatCompletions>,
    /// The fields of a body of OpenAI's chat completions that this provider alone understands: see
    /// [`reads_chat_completions`](Self::reads_chat_completions).
    #[serde(skip)]
    pub own_fields: &'static [&'static str],
    #[serde(skip)]
    key_grant: Option<&'static dyn KeyGrant>,
    #[serde(skip)]
    model_details: Option<&'static dyn ModelDetails>,
    #[serde(skip)]
    constructor: Constructor,
}

/// Makes a provider of settings that have been validated, and of what the host shares. Sends nothing.
pub type Constructor = fn(&ConfigValues, &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error>;

/// Reads the body of a request of OpenAI's chat completions. Returns the request, and whether it asks for a
/// stream.
pub type ReadChatCompletions = fn(&str) -> Result<(ChatRequest, bool), Error>;

/// A model besides the request's own that may answer the request, or work on it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtherModel {
    /// The field of the request that brings it in: `models[0]`, `preset`.
    pub field: String,
    /// Its id; `None` where the service chooses it, so that it may be any.
    pub model: Option<String>,
}

impl OtherModel {
    /// A model that a field names.
    pub fn named(field: impl Into<String>, model: impl Into<String>) -> Self {
        Self { field: field.into(), model: Some(model.into()) }
    }

    /// A model that the service chooses because of a field.
    pub fn any(field: impl Into<String>) -> Self {
        Self { field: field.into(), model: None }
    }
}

/// Web pages of a provider, for a settings page to link to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Links {
    /// The page that gives keys.
    pub key: Option<&'static str>,
    /// The documentation.
    pub docs: Option<&'static str>,
    /// The list of models.
    pub models: Option<&'static str>,
    /// The page that says whether the service is up.
    pub status: Option<&'static str>,
}

impl Links {
    /// No links.
    pub const NONE: Self = Self { key: None, docs: None, models: None, status: None };

    /// Sets the page that gives keys.
    #[must_use]
    pub const fn key(mut self, url: &'static str) -> Self {
        self.key = Some(url);
        self
    }

    /// Sets the documentation.
    #[must_use]
    pub const fn docs(mut self, url: &'static str) -> Self {
        self.docs = Some(url);
        self
    }

    /// Sets the list of models.
    #[must_use]
    pub const fn models(mut self, url: &'static str) -> Self {
        self.models = Some(url);
        self
    }

    /// Sets the page that says whether the service is up.
    #[must_use]
    pub const fn status(mut self, url: &'static str) -> Self {
        self.status = Some(url);
        self
    }
}

impl ProviderDescriptor {
    /// A provider with the capability [`Llm`](Capability::Llm), without settings and links, that takes only
    /// the models that it lists.
    pub const fn new(id: &'static str, display_name: &'static str, constructor: Constructor) -> Self {
        Self {
            id,
            display_name,
            description: "",
            capabilities: Capabilities::of(&[Capability::Llm]),
            fields: &[],
            links: Links::NONE,
            accepts_unlisted_models: false,
            claims: |_| false,
            pin_upstream: None,
            other_models: None,
            chat_completions: None,
            own_fields: &[],
            key_grant: None,
            model_details: None,
            constructor,
        }
    }

    /// Sets the sentence about the provider.
    #[must_use]
    pub const fn description(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Sets the capabilities.
    #[must_use]
    pub const fn capabilities(mut self, capabilities: &[Capability]) -> Self {
        self.capabilities = Capabilities::of(capabilities);
        self
    }

    /// Sets the settings, in the order a form shows them.
    #[must_use]
    pub const fn fields(mut self, fields: &'static [ConfigField]) -> Self {
        self.fields = fields;
        self
    }

    /// Sets the web pages to link to.
    #[must_use]
    pub const fn links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// Says that the provider may know models that its catalogue does not list.
    #[must_use]
    pub const fn accepts_unlisted_models(mut self) -> Self {
        self.accepts_unlisted_models = true;
        self
    }

    /// Sets the rule for ids that are the provider's although its catalogue does not list them: presets, and
    /// variants of a model. In a workspace of several providers, such an id goes to this one; any other id
    /// that no catalogue lists has to name its provider. Default: no id.
    #[must_use]
    pub const fn claims(mut self, claims: fn(&str) -> bool) -> Self {
        self.claims = claims;
        self
    }

    /// Whether an id is the provider's by its [own rule](Self::claims).
    pub fn claims_model(&self, id: &str) -> bool {
        (self.claims)(id)
    }

    /// Sets how a request is kept to one upstream provider, for a service that has several behind a model.
    /// The function gets the name as [`ServedBy::provider`](crate::ServedBy::provider) has it, and returns
    /// whether it could. Default: the service has no such choice.
    #[must_use]
    pub const fn pins_upstream(mut self, pin: fn(&mut ChatRequest, &str) -> bool) -> Self {
        self.pin_upstream = Some(pin);
        self
    }

    /// Has a request served by this upstream provider or by none, and returns whether it could: `false`, and
    /// an unchanged request, where the service has no such choice or the request makes it in a way that
    /// cannot be changed.
    pub fn pin_upstream(&self, request: &mut ChatRequest, upstream: &str) -> bool {
        self.pin_upstream.is_some_and(|pin| pin(request, upstream))
    }

    /// Sets how the models are found that a request reaches besides its own: fallbacks that the service goes
    /// on to, stored presets, tools with a model of their own. A host that lets its users have some models
    /// only refuses a request by what the function returns. Default: the request's model is all that it
    /// reaches.
    #[must_use]
    pub const fn reaches_other_models(mut self, find: fn(&ChatRequest) -> Vec<OtherModel>) -> Self {
        self.other_models = Some(find);
        self
    }

    /// The models that a request reaches [besides its own](Self::reaches_other_models).
    pub fn other_models(&self, request: &ChatRequest) -> Vec<OtherModel> {
        self.other_models.map(|find| find(request)).unwrap_or_default()
    }

    /// Says that the provider speaks OpenAI's chat completions, and how it reads the body of such a request:
    /// for a host that takes requests in this form. What has no typed place is kept for this provider, which
    /// sends it as it came. A host may then relay the [JSON of the answer](crate::Event::Raw).
    ///
    /// `own_fields` names the fields that this provider alone understands. A host refuses them where a
    /// request goes to another. Default: the provider speaks another wire.
    #[must_use]
    pub const fn reads_chat_completions(
        mut self,
        read: ReadChatCompletions,
        own_fields: &'static [&'static str],
    ) -> Self {
        self.chat_completions = Some(read);
        self.own_fields = own_fields;
        self
    }

    /// How the provider reads the body of a request of OpenAI's chat completions; `None` where it speaks
    /// another wire.
    pub fn chat_completions(&self) -> Option<ReadChatCompletions> {
        self.chat_completions
    }

    /// Says that the service has a page on which a user approves and a host gets a key. Default: it has none.
    #[must_use]
    pub const fn grants_keys(mut self, grant: &'static dyn KeyGrant) -> Self {
        self.key_grant = Some(grant);
        self
    }

    /// How a host gets a key by the user's approval; `None` where keys are pasted.
    pub fn key_grant(&self) -> Option<&'static dyn KeyGrant> {
        self.key_grant
    }

    /// Says that the service tells more of its models than the catalogue has. Default: it does not.
    #[must_use]
    pub const fn has_model_details(mut self, details: &'static dyn ModelDetails) -> Self {
        self.model_details = Some(details);
        self
    }

    /// How a host gets the endpoints of a model and the presets of an account; `None` where there are none.
    pub fn model_details(&self) -> Option<&'static dyn ModelDetails> {
        self.model_details
    }

    /// Makes a connected provider of settings, without sending anything: only [`LlmProvider::check`] can tell
    /// whether the key is good.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) with every problem of every field at once.
    pub fn connect(&self, values: &ConfigValues) -> Result<Arc<dyn LlmProvider>, Error> {
        self.connect_with(values, &ProviderContext::new())
    }

    /// Makes a connected provider of settings and of what the host shares among its providers, such as one
    /// HTTP client. What the settings say counts before the context; where the context
    /// [stands in](ConfigField::supplied_by) for a required setting, that may be missing.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_with(
        &self,
        values: &ConfigValues,
        context: &ProviderContext,
    ) -> Result<Arc<dyn LlmProvider>, Error> {
        self.validate_in(values, context)?;
        (self.constructor)(values, context)
    }

    /// Checks settings against the field table, without connecting.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) with every problem of every field at once.
    pub fn validate(&self, values: &ConfigValues) -> Result<(), Error> {
        self.validate_in(values, &ProviderContext::new())
    }

    /// Checks settings as [`connect_with`](Self::connect_with) does: what the host's context supplies, a key
    /// for example, may be missing.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn validate_in(&self, values: &ConfigValues, context: &ProviderContext) -> Result<(), Error> {
        let problems = values.problems_in(self.fields, context);
        if problems.is_empty() { Ok(()) } else { Err(Error::config(self.id, problems)) }
    }

    /// Makes sure that the provider can do something.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported), naming the provider and the capability.
    pub(crate) fn require(&self, capability: Capability) -> Result<(), Error> {
        if self.capabilities.has(capability) { Ok(()) } else { Err(Error::unsupported(self.id, capability)) }
    }
}

impl fmt::Debug for ProviderDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderDescriptor")
            .field("id", &self.id)
            .field("display_name", &self.display_name)
            .field("capabilities", &self.capabilities)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

/// A descriptor that a linked crate made known.
#[doc(hidden)]
pub struct Registration(pub &'static ProviderDescriptor);

inventory::collect!(Registration);

/// The providers of all crates that are linked in, in no particular order.
///
/// A crate that is only listed in `Cargo.toml` is *not* linked in: the program has to name it, and
/// `use openrouter_provider as _;` is enough.
pub fn linked_providers() -> impl Iterator<Item = &'static ProviderDescriptor> {
    inventory::iter::<Registration>.into_iter().map(|registration| registration.0)
}

/// Makes a provider known to [`linked_providers`], and so to every registry that discovers.
///
/// ```
/// # use provider_core::{ConfigValues, Error, ErrorKind, LlmProvider, ProviderContext, ProviderDescriptor};
/// # use std::sync::Arc;
/// # fn connect(_: &ConfigValues, _: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
/// #     Err(Error::new(ErrorKind::Config, "not in an example"))
/// # }
/// pub static ACME: ProviderDescriptor =
///     ProviderDescriptor::new("acme", "Acme", connect).description("Models made by Acme.");
///
/// provider_core::register_provider!(ACME);
/// # assert!(provider_core::linked_providers().any(|provider| provider.id == "acme"));
/// ```
#[macro_export]
macro_rules! register_provider {
    ($descriptor:path) => {
        $crate::__private::inventory::submit! { $crate::__private::Registration(&$descriptor) }
    };
}
