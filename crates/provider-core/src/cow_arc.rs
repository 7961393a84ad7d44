//! Values that are cheap to clone.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is cheap to clone: clones share it until one of them is changed.
///
/// It reads and changes like what is in it. A request is cloned for every model of a comparison, for every
/// fallback and for every turn of a tool loop; its messages, images included, are not.
///
/// ```
/// use provider_core::CowArc;
///
/// let mut name = CowArc::from("Ada".to_owned());
/// let before = name.clone();
/// name.push_str(" Lovelace");
/// assert_eq!((before.as_str(), name.as_str()), ("Ada", "Ada Lovelace"));
/// ```
pub struct CowArc<T>(Arc<T>);

/// A list that is cheap to clone, and that reads and changes like a `Vec`.
///
/// ```
/// use provider_core::CowVec;
///
/// let mut list = CowVec::from(vec![1, 2]);
/// let before = list.clone();
/// list.push(3);
/// assert_eq!((before.len(), list.len()), (2, 3));
/// ```
pub type CowVec<T> = CowArc<Vec<T>>;

impl<T> CowArc<T> {
    /// Whether both share the same value in memory.
    pub fn shares_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Clone for CowArc<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for CowArc<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Deref for CowArc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for CowArc<T> {
    /// Copies the value first if it is shared. A list copies its items, and an item that is shared itself is
    /// not copied by that.
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> From<T> for CowArc<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> FromIterator<T> for CowVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<'a, T> IntoIterator for &'a CowVec<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: PartialEq> PartialEq for CowArc<T> {
    fn eq(&self, other: &Self) -> bool {
        self.shares_with(other) || **self == **other
    }
}

impl<T: Serialize> Serialize for CowArc<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for CowArc<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

impl<T: fmt::Debug> fmt::Debug for CowArc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
