//! Options that only one provider understands.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{FieldProblem, RawJson};

/// Options that only one provider knows: its own type, carried by a request under the provider's id.
///
/// A provider takes its own and leaves the others', so that one request can go to several providers (in a
/// comparison, or as a fallback) and none receives what is meant for another.
///
/// ```
/// use provider_core::author::ProviderOptions;
/// use provider_core::ChatRequest;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// #[serde(deny_unknown_fields)]
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
///
/// They are stored with the request that carries them, by their `Serialize` and `Deserialize`. Refuse unknown
/// fields there where it matters that an option is heeded (`deny_unknown_fields`): options that cannot be
/// read are a [problem](OptionsByProvider::problem) of the request, and not left out.
pub trait ProviderOptions:
    Any + fmt::Debug + Clone + PartialEq + Send + Sync + Serialize + DeserializeOwned
{
    /// The [id](crate::ProviderDescriptor::id) of the provider that they are for.
    const PROVIDER: &'static str;
}

/// The options of a request, by provider: at most one value for each.
///
/// Stored, they are an object with a field for each provider. Read back, a provider's options stay JSON until
/// that provider asks for them.
#[derive(Clone, Default)]
pub struct OptionsByProvider(BTreeMap<Cow<'static, str>, Slot>);

/// The options of one provider.
#[derive(Clone)]
enum Slot {
    Typed(Arc<dyn Entry>),
    Stored(Arc<Stored>),
}

/// Options that were read back as JSON.
struct Stored {
    json: RawJson,
    /// The options as the first type that was asked for: a provider has one type.
    read: OnceLock<Result<Box<dyn Entry>, String>>,
}

impl OptionsByProvider {
    /// The options of this type, if the request has them. `None` as well where they were stored and do not
    /// fit the type: see [`problem`](Self::problem).
    pub fn get<O: ProviderOptions>(&self) -> Option<&O> {
        self.read().ok().flatten()
    }

    /// Why the options of this type cannot be read, as a problem of the field `options.` and the provider's
    /// id; `None` where they can, or where the request has none. A provider adds it to the problems of a
    /// request and does not send that.
    pub fn problem<O: ProviderOptions>(&self) -> Option<FieldProblem> {
        let problem = self.read::<O>().err()?;
        Some(FieldProblem::new(format!("options.{}", O::PROVIDER), problem))
    }

    fn read<O: ProviderOptions>(&self) -> Result<Option<&O>, String> {
        let entry = match self.0.get(O::PROVIDER) {
            None => return Ok(None),
            Some(Slot::Typed(entry)) => &**entry,
            Some(Slot::Stored(stored)) => stored.read::<O>()?,
        };
        let options = entry.as_any().downcast_ref();
        options.map(Some).ok_or_else(|| "are of another type than the provider's".to_owned())
    }

    /// Sets the options of a provider, in place of what it had.
    pub fn set<O: ProviderOptions>(&mut self, options: O) {
        self.0.insert(O::PROVIDER.into(), Slot::Typed(Arc::new(options)));
    }

    /// Changes the options of a provider, beginning with the default ones where the request has none, and
    /// returns what `change` returns. Options that are the default ones in the end are left out. Options with
    /// a [problem](Self::problem) stay as they are.
    pub fn edit<O: ProviderOptions + Default, T>(&mut self, change: impl FnOnce(&mut O) -> T) -> T {
        let before = self.read::<O>().map(Option::<&O>::cloned);
        let has_problem = before.is_err();
        let mut options = before.ok().flatten().unwrap_or_default();
        let changed = change(&mut options);
        if has_problem {
            return changed;
        }
        if options == O::default() {
            self.0.remove(O::PROVIDER);
        } else {
            self.set(options);
        }
        changed
    }

    /// Takes the options of a provider out, and returns them if they are of this type.
    pub fn remove<O: ProviderOptions>(&mut self) -> Option<O> {
        let removed = self.get::<O>().cloned();
        self.0.remove(O::PROVIDER);
        removed
    }

    /// The ids of the providers that have options here.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|provider| &**provider)
    }

    /// Whether no provider has options here.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Stored {
    fn read<O: ProviderOptions>(&self) -> Result<&dyn Entry, String> {
        let read = || {
            let options = self.json.read::<O>().map_err(|cause| unfit(&cause));
            options.map(|options| Box::new(options) as Box<dyn Entry>)
        };
        self.read.get_or_init(read).as_deref().map_err(Clone::clone)
    }
}

/// Says what does not fit. A cause may quote the value, which may be a secret; the name of an unknown field
/// is none.
fn unfit(cause: &serde_json::Error) -> String {
    let cause = match cause.to_string() {
        words if words.starts_with("unknown field") => words,
        _ => format!("line {}, column {}", cause.line(), cause.column()),
    };
    format!("were stored, and do not fit the options of this version ({cause}); set them anew")
}

impl PartialEq for OptionsByProvider {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Slot::Typed(one), Slot::Typed(other)) => one.equals(&**other),
            (Slot::Stored(one), Slot::Stored(other)) => one.json == other.json,
            (Slot::Typed(typed), Slot::Stored(stored)) | (Slot::Stored(stored), Slot::Typed(typed)) => {
                typed.equals_json(&stored.json)
            }
        }
    }
}

impl fmt::Debug for OptionsByProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.0).finish()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slot::Typed(entry) => entry.fmt(f),
            Slot::Stored(stored) => match stored.read.get() {
                Some(Ok(entry)) => entry.fmt(f),
                // Only their type knows what in them is a secret.
                _ => write!(f, "{} bytes of JSON", stored.json.get().len()),
            },
        }
    }
}

impl Serialize for OptionsByProvider {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (provider, slot) in &self.0 {
            match slot {
                Slot::Typed(entry) => {
                    object.serialize_entry(provider, &entry.json().map_err(S::Error::custom)?)?;
                }
                Slot::Stored(stored) => object.serialize_entry(provider, &stored.json)?,
            }
        }
        object.end()
    }
}

impl<'de> Deserialize<'de> for OptionsByProvider {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = BTreeMap::<String, RawJson>::deserialize(deserializer)?;
        let slot = |json| Slot::Stored(Arc::new(Stored { json, read: OnceLock::new() }));
        Ok(Self(stored.into_iter().map(|(provider, json)| (provider.into(), slot(json))).collect()))
    }
}

/// [`ProviderOptions`] without their type.
trait Entry: fmt::Debug + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn equals(&self, other: &dyn Entry) -> bool;
    fn equals_json(&self, json: &RawJson) -> bool;
    fn json(&self) -> Result<RawJson, serde_json::Error>;
}

impl<O: ProviderOptions> Entry for O {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &dyn Entry) -> bool {
        other.as_any().downcast_ref::<O>() == Some(self)
    }

    fn equals_json(&self, json: &RawJson) -> bool {
        json.read::<O>().is_ok_and(|other| other == *self)
    }

    fn json(&self) -> Result<RawJson, serde_json::Error> {
        RawJson::new(self)
    }
}
