//! The caller's look at a tool loop while it runs.

use super::run::LoopEvent;

/// The function that is told what happens, if there is one.
#[derive(Default)]
pub(super) struct Watcher<'a>(Option<Box<Watch<'a>>>);

type Watch<'a> = dyn FnMut(LoopEvent<'_>) + Send + 'a;

impl<'a> Watcher<'a> {
    pub(super) fn new(watch: impl FnMut(LoopEvent<'_>) + Send + 'a) -> Self {
        Self(Some(Box::new(watch)))
    }

    /// Whether somebody watches.
    pub(super) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn tell(&mut self, event: LoopEvent<'_>) {
        if let Some(watch) = &mut self.0 {
            watch(event);
        }
    }
}
