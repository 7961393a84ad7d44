//! Positions of borrowed slices in the text that they are slices of.

use std::ops::Range;

/// Where a slice stands in its text, in bytes. Unlike the slice it borrows nothing, so it can be kept while
/// the text is replaced by another one of the same shape.
pub type Span = Range<usize>;

/// Finds where slices stand in a text. The one place that turns a slice into a range.
///
/// ```
/// use lenient_json::Locator;
///
/// let text = String::from("{\"a\":\"b\"}");
/// assert_eq!(Locator::new(&text).span_of(&text[5..8]), 5..8);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Locator<'a>(&'a str);

impl<'a> Locator<'a> {
    /// A locator of slices of `text`.
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Returns where `slice` stands. It must be a slice of the text: that of any other text gives a range
    /// without a meaning, which a debug build refuses.
    pub fn span_of(self, slice: &str) -> Span {
        let start = (slice.as_ptr() as usize).wrapping_sub(self.0.as_ptr() as usize);
        let span = start..start.wrapping_add(slice.len());
        debug_assert!(
            self.0.get(span.clone()).is_some_and(|own| std::ptr::eq(own, slice)),
            "the slice is not one of this text"
        );
        span
    }
}
