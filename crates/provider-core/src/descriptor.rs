//! What a provider is, as data, and how its crate makes it known.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::{Capabilities, Capability, ConfigField, ConfigValues, Error, LlmProvider};

/// A provider as data: who it is, what it can do, which settings it takes, and how to connect it.
///
/// Serialises as a settings page needs it. A provider's crate has one as a `static` and makes it known with
/// [`register_provider!`](crate::register_provider); it can be put in a registry by hand as well.
#[derive(Clone, Serialize)]
pub struct ProviderDescriptor {
    /// The name in code and in model references: lower-case letters, digits, `_` and `-`.
    pub id: &'static str,
    /// The name to show (`OpenRouter`).
    pub display_name: &'static str,
    /// One sentence about it.
    pub description: &'static str,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Its settings, in the order a form shows them.
    pub fields: &'static [ConfigField],
    /// Where to read on.
    pub links: Links,
    /// Whether it may know models that its catalogue does not list (presets, variants), so that any id may be
    /// tried.
    pub accepts_unlisted_models: bool,
    /// Makes a provider of settings that have been validated. Sends nothing. Call [`connect`](Self::connect)
    /// instead.
    #[serde(skip)]
    pub constructor: fn(&ConfigValues) -> Result<Arc<dyn LlmProvider>, Error>,
}

/// Web pages of a provider, for a settings page to link to.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Links {
    /// Where to get a key.
    pub key: Option<&'static str>,
    /// The documentation.
    pub docs: Option<&'static str>,
    /// The list of models.
    pub models: Option<&'static str>,
    /// Whether the service is up.
    pub status: Option<&'static str>,
}

impl ProviderDescriptor {
    /// Makes a connected provider of settings. Nothing is sent: whether the key is good, only
    /// [`LlmProvider::check`] can tell.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) with every problem of every field at once.
    pub fn connect(&self, values: &ConfigValues) -> Result<Arc<dyn LlmProvider>, Error> {
        self.validate(values)?;
        (self.constructor)(values)
    }

    /// Checks settings against the field table, without connecting.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) with every problem of every field at once.
    pub fn validate(&self, values: &ConfigValues) -> Result<(), Error> {
        let problems = values.problems(self.fields);
        if problems.is_empty() { Ok(()) } else { Err(Error::config(self.id, problems)) }
    }

    /// Makes sure that the provider can do something.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported), naming the provider and the capability.
    pub fn require(&self, capability: Capability) -> Result<(), Error> {
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
/// # use provider_core::{Capabilities, Capability, ConfigValues, Error, Links, LlmProvider, ProviderDescriptor};
/// # use std::sync::Arc;
/// # fn connect(_: &ConfigValues) -> Result<Arc<dyn LlmProvider>, Error> {
/// #     Err(Error::unsupported("acme", Capability::Llm))
/// # }
/// pub static ACME: ProviderDescriptor = ProviderDescriptor {
///     id: "acme",
///     display_name: "Acme",
///     description: "Models made by Acme.",
///     capabilities: Capabilities::of(&[Capability::Llm]),
///     fields: &[],
///     links: Links { key: None, docs: None, models: None, status: None },
///     accepts_unlisted_models: false,
///     constructor: connect,
/// };
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
