//! Text that the next part of an answer repeats.

use std::borrow::Cow;

/// The shortest repeated text that is cut out, in bytes. Shorter ones happen by chance.
const MIN_OVERLAP: usize = 32;

/// The longest repeated text that is looked for, in bytes, but for all of the text before. Each byte that is
/// held back is compared with up to so many places.
const MAX_OVERLAP: usize = 4 << 10;

/// Finds what the beginning of the next part of an answer repeats of the end of the text before it.
///
/// Two things count, and only where they agree byte for byte:
///
/// * A text of 32 bytes to 4 KiB that ends the text before, or all of it. The last 32 bytes must not stand
///   elsewhere in that text, since the model may write what it has written often (a rule of dashes) again.
/// * The white space at the end of the text before, which services refuse at the end of a prefix and which
///   is therefore not sent.
#[derive(Debug)]
pub(crate) struct Overlap {
    earlier: String,
    /// The bytes of `earlier` from which on the next part may repeat it; `None` once that is decided.
    places: Option<Places>,
    /// The beginning of the next part, while it may be a repetition.
    held: String,
    repeated: usize,
}

#[derive(Debug)]
enum Places {
    /// All up to this byte, and the white space at the end.
    UpTo(Option<usize>),
    Found(Vec<usize>),
}

impl Overlap {
    /// Begins behind this text.
    pub(crate) fn new(earlier: String) -> Self {
        let tail =
            (0..=earlier.len().saturating_sub(MIN_OVERLAP)).rev().find(|at| earlier.is_char_boundary(*at));
        let tail = tail.filter(|_| earlier.len() >= MIN_OVERLAP);
        let last = tail.filter(|at| earlier.get(*at..).and_then(|tail| earlier.find(tail)) == Some(*at));
        Self { earlier, places: Some(Places::UpTo(last)), held: String::new(), repeated: 0 }
    }

    /// Takes a piece of the next part. Returns the text to hand on: nothing while it may be a repetition.
    pub(crate) fn push<'a>(&mut self, piece: &'a str) -> Cow<'a, str> {
        let Some(places) = self.places.take() else { return Cow::Borrowed(piece) };
        let offset = self.held.len();
        self.held.push_str(piece);
        let goes_on = |at: &usize| {
            let expected = self.earlier.as_bytes().get(at + offset..).unwrap_or_default();
            expected.iter().zip(piece.as_bytes()).all(|(one, other)| one == other)
        };
        let mut places: Vec<usize> = match places {
            Places::UpTo(last) => {
                let blank = self.earlier.trim_end().len();
                let blank = Some(blank).filter(|blank| *blank < self.earlier.len());
                let bounds = |at: &usize| self.earlier.is_char_boundary(*at);
                let first = self.earlier.len().saturating_sub(MAX_OVERLAP);
                let all = last.filter(|_| first > 0).map(|_| 0);
                let long = last.map(|last| (first..=last).filter(bounds)).into_iter().flatten();
                all.into_iter().chain(long).chain(blank).filter(goes_on).collect()
            }
            Places::Found(places) => places.into_iter().filter(goes_on).collect(),
        };
        places.retain(|at| {
            let length = self.earlier.len() - at;
            let is_whole = length <= self.held.len();
            if is_whole {
                self.repeated = self.repeated.max(length);
            }
            !is_whole
        });
        if places.is_empty() {
            return Cow::Owned(self.release());
        }
        self.places = Some(Places::Found(places));
        Cow::Borrowed("")
    }

    /// Ends the search, and returns the text that was held back. A long text that an error cut off while it
    /// repeated what there was is left out.
    pub(crate) fn finish(&mut self, is_cut_off: bool) -> String {
        if self.places.take().is_none() {
            return String::new();
        }
        if is_cut_off && self.held.len() >= MIN_OVERLAP {
            self.repeated = self.held.len();
        }
        self.release()
    }

    /// How many bytes of the next part repeat the text before it.
    pub(crate) fn repeated(&self) -> usize {
        self.repeated
    }

    fn release(&mut self) -> String {
        let mut held = std::mem::take(&mut self.held);
        // The repeated text begins and ends with a character.
        held.drain(..self.repeated.min(held.len()));
        held
    }
}

#[cfg(test)]
mod tests;
