//! Options that only one provider understands.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Options that only one provider knows: its own type, carried by a request under the provider's id.
///
/// A provider takes its own and leaves the others', so that one request can go to several providers (in a
/// comparison, or as a fallback) and none receives what is meant for another.
///
/// ```
/// use provider_core::author::ProviderOptions;
/// use provider_core::ChatRequest;
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct AcmeOptions {
///     turbo: bool,
/// }
///
/// impl ProviderOptions for AcmeOptions {
///     const PROVIDER: &'static str = "acme";
/// }
///
/// let request = ChatRequest::new("acme-1").user("Hello").options(AcmeOptions { turbo: true });
/// assert!(request.options.get::<AcmeOptions>().is_some_and(|options| options.turbo));
/// ```
pub trait ProviderOptions: Any + fmt::Debug + Clone + PartialEq + Send + Sync {
    /// The [id](crate::ProviderDescriptor::id) of the provider that they are for.
    const PROVIDER: &'static str;
}

/// The options of a request, by provider: at most one value for each.
#[derive(Clone, Default)]
pub struct OptionsByProvider(BTreeMap<&'static str, Arc<dyn Entry>>);

impl OptionsByProvider {
    /// The options of this type, if the request has them.
    pub fn get<O: ProviderOptions>(&self) -> Option<&O> {
        let entry: &dyn Entry = &**self.0.get(O::PROVIDER)?;
        entry.as_any().downcast_ref()
    }

    /// Sets the options of a provider, in place of what it had.
    pub fn set<O: ProviderOptions>(&mut self, options: O) {
        self.0.insert(O::PROVIDER, Arc::new(options));
    }

    /// Changes the options of a provider, beginning with the default ones where the request has none, and
    /// returns what `change` returns. Options that are the default ones in the end are left out.
    pub fn edit<O: ProviderOptions + Default, T>(&mut self, change: impl FnOnce(&mut O) -> T) -> T {
        let mut options: O = self.remove().unwrap_or_default();
        let changed = change(&mut options);
        if options != O::default() {
            self.set(options);
        }
        changed
    }

    /// Takes the options of this type out.
    pub fn remove<O: ProviderOptions>(&mut self) -> Option<O> {
        let removed = self.get::<O>().cloned();
        self.0.remove(O::PROVIDER);
        removed
    }

    /// The ids of the providers that have options here.
    pub fn providers(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// Whether no provider has options here.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for OptionsByProvider {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|((mine, a), (theirs, b))| mine == theirs && a.equals(&**b))
    }
}

impl fmt::Debug for OptionsByProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.0).finish()
    }
}

/// [`ProviderOptions`] without their type.
trait Entry: fmt::Debug + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn equals(&self, other: &dyn Entry) -> bool;
}

impl<O: ProviderOptions> Entry for O {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &dyn Entry) -> bool {
        other.as_any().downcast_ref::<O>() == Some(self)
    }
}
