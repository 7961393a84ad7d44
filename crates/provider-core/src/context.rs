//! The context of a host: shared resources that providers take when they connect.

use std::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Resources that a host shares among its providers, by type: an HTTP client, for example.
///
/// This crate knows none of them. A crate that makes a resource says how to look it up, and a provider that
/// finds none makes its own. Cheap to clone.
///
/// ```
/// use provider_core::ProviderContext;
///
/// #[derive(Debug, PartialEq)]
/// struct Pool(u32);
///
/// let context = ProviderContext::new().with(Pool(4));
/// assert_eq!(context.get::<Pool>(), Some(&Pool(4)));
/// assert_eq!(context.get::<String>(), None);
/// ```
#[derive(Clone, Default)]
pub struct ProviderContext {
    resources: BTreeMap<TypeId, Resource>,
}

#[derive(Clone)]
struct Resource {
    name: &'static str,
    value: Arc<dyn Any + Send + Sync>,
}

impl ProviderContext {
    /// A context without resources: each provider makes its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a resource. It replaces one of the same type.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, resource: T) -> Self {
        let resource = Resource { name: type_name::<T>(), value: Arc::new(resource) };
        self.resources.insert(TypeId::of::<T>(), resource);
        self
    }

    /// Returns the resource of this type, if the host gave one.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.resources.get(&TypeId::of::<T>())?.value.downcast_ref()
    }
}

impl fmt::Debug for ProviderContext {
    /// Names the types alone: a resource may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.resources.values().map(|resource| resource.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_resource_of_a_type_replaces_the_earlier() {
        let first = ProviderContext::new().with(1_u8).with("text");
        let second = first.clone().with(2_u8);
        assert_eq!((first.get::<u8>(), second.get::<u8>()), (Some(&1), Some(&2)));
        assert_eq!(second.get::<&str>(), Some(&"text"));
        assert_eq!(second.get::<u16>(), None);
    }

    #[test]
    fn debug_names_types_and_no_values() {
        let context = ProviderContext::new().with(String::from("sk-secret"));
        assert_eq!(format!("{context:?}"), r#"{"alloc::string::String"}"#);
    }
}
