//! A subscriber that writes down every span and event.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, Interest};
use tracing::{Event, Metadata, Subscriber};

/// Names and values, as text: strings as they are, all else as `Debug` writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields(pub(crate) BTreeMap<&'static str, String>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) name: &'static str,
    pub(crate) fields: Fields,
    pub(crate) events: Vec<Fields>,
    handles: usize,
}

impl Seen {
    pub(crate) fn is_closed(&self) -> bool {
        self.handles == 0
    }

    /// The value of a field; empty if it has none.
    pub(crate) fn get(&self, field: &str) -> &str {
        self.fields.0.get(field).map(String::as_str).unwrap_or_default()
    }

    /// Asserts the values of these fields; of one whose value is empty, that it has none.
    pub(crate) fn assert(&self, expected: &[(&str, &str)]) {
        for (field, value) in expected {
            assert_eq!(self.get(field), *value, "{field} of {self:#?}");
        }
    }
}

/// The spans that were seen, in the order they began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Recorder {
    /// Records what happens in this thread, for as long as the guard lives.
    pub(crate) fn start() -> (Self, DefaultGuard) {
        let recorder = Self::default();
        let guard = tracing::subscriber::set_default(recorder.clone());
        (recorder, guard)
    }

    pub(crate) fn spans(&self) -> Vec<Seen> {
        self.0.lock().expect("a list").clone()
    }

    /// The only span there is.
    pub(crate) fn span(&self) -> Seen {
        let mut spans = self.spans();
        assert_eq!(spans.len(), 1, "{spans:#?}");
        spans.remove(0)
    }

    fn change(&self, id: &Id, change: impl FnOnce(&mut Seen)) {
        let index = usize::try_from(id.into_u64() - 1).expect("a number of ours");
        change(&mut self.0.lock().expect("a list")[index]);
    }
}

impl Subscriber for Recorder {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // To be asked each time: tests in other threads have subscribers of their own, or none.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "provider_layers"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut seen = Seen { name: span.metadata().name(), handles: 1, ..Seen::default() };
        span.record(&mut seen.fields);
        let mut spans = self.0.lock().expect("a list");
        spans.push(seen);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.change(span, |seen| {
            assert!(!seen.is_closed());
            values.record(&mut seen.fields);
        });
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.change(event.parent().expect("every event belongs to a span"), |seen| seen.events.push(fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn clone_span(&self, id: &Id) -> Id {
        self.change(id, |seen| seen.handles += 1);
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut is_closed = false;
        self.change(&id, |seen| {
            seen.handles -= 1;
            is_closed = seen.is_closed();
        });
        is_closed
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}
