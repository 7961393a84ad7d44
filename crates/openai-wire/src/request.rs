//! Checks a chat request, and writes its body once, from borrowed values.

mod message;
mod parameter;
mod part;
#[cfg(test)]
mod tests;
mod tool;
mod validate;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::convert::Infallible;

use provider_core::author::unique_call_ids;
use provider_core::{ChatRequest, Error, ErrorKind, Message};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use self::message::WireMessage;
use self::parameter::WireParameter;
use self::tool::WireTools;
use crate::dialect::{Dialect, WIRE};
use crate::fields::FieldWriter;

/// Writes the body of `POST /chat/completions`. `stream`: whether it asks for a stream.
///
/// The encoder adds, clamps and drops no field: it refuses a field that cannot be sent by its name.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] with every field that cannot be sent.
pub fn encode<D: Dialect>(request: &ChatRequest, stream: bool, dialect: &D) -> Result<Vec<u8>, Error> {
    let body = Body { request, messages: unique_call_ids(&request.messages), stream, dialect };
    let problems = validate::problems(&body);
    if !problems.is_empty() {
        return Err(Error::invalid_request(problems));
    }
    serde_json::to_vec(&body).map_err(|cause| {
        Error::new(ErrorKind::InvalidRequest, "the request cannot be written as JSON").with_source(cause)
    })
}

/// The parts that a body is made of.
struct Body<'a, D> {
    request: &'a ChatRequest,
    messages: Cow<'a, [Message]>,
    stream: bool,
    dialect: &'a D,
}

impl<D: Dialect> Body<'_, D> {
    /// Writes all but the fields of the dialect and those in `extra`.
    ///
    /// No field comes twice: the parameters are fields of one struct, [`names`](Self::names) collects their
    /// names, and `extra` in `validate` refuses an extra parameter with one of these.
    fn write_portable<W: FieldWriter>(&self, body: &mut W) -> Result<(), W::Error> {
        let Self { request, messages, stream, dialect } = self;
        body.field("model", &request.model)?;
        if !messages.is_empty() {
            body.field("messages", &List(messages, |m| WireMessage(m, &request.model, *dialect)))?;
        }
        if let Some(tools) = WireTools::of(request, *dialect) {
            body.field("tools", &tools)?;
        }
        for parameter in request.parameters() {
            body.field(dialect.parameter_name(parameter.name), &WireParameter(parameter.value))?;
        }
        if *stream {
            body.field("stream", &true)?;
            if dialect.include_usage() {
                body.field("stream_options", &StreamOptions { include_usage: true })?;
            }
        }
        Ok(())
    }
}

impl<D: Dialect> Serialize for Body<'_, D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = Fields(serializer.serialize_map(None)?);
        self.write_portable(&mut body)?;
        self.dialect.write_fields(self.request, self.stream, &mut body)?;
        for extra in extra_of(self.request, self.dialect.provider()) {
            body.field(extra.name, extra.value)?;
        }
        body.0.end()
    }
}

impl<D: Dialect> Body<'_, D> {
    /// Returns the names of the fields that are written from a place of their own, so that they cannot come
    /// from `extra` as well. `stream` never can: the called method decides it.
    fn names(&self) -> BTreeSet<String> {
        let mut names = Names(BTreeSet::from(["stream".to_owned()]));
        let Ok(()) = self.write_portable(&mut names);
        let Ok(()) = self.dialect.write_fields(self.request, self.stream, &mut names);
        names.0
    }
}

/// Writes fields as JSON.
struct Fields<M>(M);

impl<M: SerializeMap> FieldWriter for Fields<M> {
    type Error = M::Error;

    fn field<V: Serialize + ?Sized>(&mut self, name: &str, value: &V) -> Result<(), M::Error> {
        self.0.serialize_entry(name, value)
    }
}

/// Records the names of fields, and writes nothing.
struct Names(BTreeSet<String>);

impl FieldWriter for Names {
    type Error = Infallible;

    fn field<V: Serialize + ?Sized>(&mut self, name: &str, _: &V) -> Result<(), Infallible> {
        self.0.insert(name.to_owned());
        Ok(())
    }
}

/// A parameter from [`ChatRequest::extra`].
struct Extra<'a> {
    /// The provider or the wire that it is set for.
    provider: &'a str,
    name: &'a str,
    value: &'a Value,
}

/// Returns the extra parameters of the wire, then those of the provider.
fn extra_of<'a>(request: &'a ChatRequest, provider: &str) -> impl Iterator<Item = Extra<'a>> {
    let own = Some(provider).filter(|provider| *provider != WIRE);
    let sets = [Some(WIRE), own].map(|name| name.and_then(|name| request.extra.get_key_value(name)));
    sets.into_iter()
        .flatten()
        .flat_map(|(provider, set)| set.iter().map(move |(name, value)| Extra { provider, name, value }))
}

/// A list whose items are written through a wrapper.
struct List<'a, T, F>(&'a [T], F);

impl<'a, T, W: Serialize, F: Fn(&'a T) -> W> Serialize for List<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// Makes the error of a variant of the vocabulary that is newer than this crate: refused rather than dropped.
fn unknown<E: serde::ser::Error>(what: &str, value: &impl std::fmt::Debug) -> E {
    E::custom(format!("{what}: this provider does not know how to send {value:?}"))
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}
