//! Panics of a provider, with the place in the source.

use std::any::Any;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

thread_local! {
    /// The place of the panic that came last on this thread.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a future. A panic in it becomes its words and its place.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    note_places();
    let mut future = pin!(future);
    // A future that panicked is not polled again.
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Ok(Poll::Pending) => Poll::Pending,
        // The hook ran on this thread, before the unwinding.
        Err(panic) => {
            let place = PLACE.with_borrow(Clone::clone);
            Poll::Ready(Err(format!("panicked at {place}: {}", words(&*panic))))
        }
    })
    .await
}

/// The message of a panic.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Has the panic hook note the place. The hook before it still runs.
fn note_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PLACE.set(info.location().map(ToString::to_string).unwrap_or_default());
            before(info);
        }));
    });
}
