//! The source of a key: fixed, or called anew for each request.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use provider_core::{Error, FieldProblem, Secret};

use crate::settings;

const BLANK_KEY: &str = "is blank: the source of keys gave none";

/// The source of the key that requests go out with.
///
/// ```
/// use provider_core::Secret;
/// use provider_http::KeySource;
/// use std::sync::{Arc, Mutex, PoisonError};
///
/// let fixed = KeySource::from("sk-abc-123");
/// // A key that is rotated while providers are connected:
/// let current = Arc::new(Mutex::new(Secret::new("sk-first")));
/// let rotating = KeySource::from_fn(move || {
///     let key = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
///     async { Ok(key) }
/// });
/// ```
#[derive(Clone, Default)]
pub struct KeySource(Source);

type KeyFuture = Pin<Box<dyn Future<Output = Result<Secret, Error>> + Send>>;

#[derive(Clone, Default)]
enum Source {
    #[default]
    None,
    Fixed(Secret),
    PerRequest(Arc<dyn Fn() -> KeyFuture + Send + Sync>),
}

impl KeySource {
    /// No key: for services that want none.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether there is no key.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self.0, Source::None)
    }

    /// A source that is asked for each request, and caches or refreshes keys as it sees fit. Its wait counts
    /// as a part of the request. A blank key is an error, and nothing is sent.
    pub fn from_fn<F, A>(source: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<Secret, Error>> + Send + 'static,
    {
        Self(Source::PerRequest(Arc::new(move || Box::pin(source()))))
    }

    /// Returns the key for the next request, if there is to be one.
    ///
    /// # Errors
    /// Those of the source; a blank key.
    pub(crate) async fn key(&self) -> Result<Option<Secret>, Error> {
        match &self.0 {
            Source::None => Ok(None),
            Source::Fixed(key) => Ok(Some(key.clone())),
            Source::PerRequest(source) => match source().await? {
                key if key.expose().trim().is_empty() => {
                    Err(Error::config("", vec![FieldProblem::new(settings::API_KEY, BLANK_KEY)]))
                }
                key => Ok(Some(key)),
            },
        }
    }

    /// The key that all requests go out with, if that is known.
    pub(crate) fn fixed(&self) -> Option<&Secret> {
        if let Source::Fixed(key) = &self.0 { Some(key) } else { None }
    }
}

impl From<Secret> for KeySource {
    fn from(key: Secret) -> Self {
        Self(Source::Fixed(key))
    }
}

impl From<&str> for KeySource {
    fn from(key: &str) -> Self {
        Secret::new(key).into()
    }
}

/// `None` is [`KeySource::none`].
impl From<Option<&str>> for KeySource {
    fn from(key: Option<&str>) -> Self {
        key.map(Self::from).unwrap_or_default()
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::None => "KeySource::none()",
            Source::Fixed(_) => "KeySource::from(***)",
            Source::PerRequest(_) => "KeySource::from_fn(..)",
        })
    }
}
