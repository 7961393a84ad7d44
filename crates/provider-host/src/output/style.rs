//! Colours: a few ANSI sequences, and the decision whether to use them.

use std::env;
use std::fmt;

use clap::ValueEnum;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is "dumb"
    Auto,
    /// Even into a pipe
    Always,
    /// Nowhere
    Never,
}

/// Colours text, or leaves it plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint(bool);

/// A text with a colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Painted<T> {
    code: &'static str,
    text: T,
}

impl Paint {
    pub(crate) fn new(choice: ColorChoice, is_terminal: bool) -> Self {
        let refused = || {
            env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
                || env::var_os("TERM").is_some_and(|term| term == "dumb")
        };
        Self(match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !refused(),
        })
    }

    /// Whether text gets colours.
    pub(crate) fn is_on(self) -> bool {
        self.0
    }

    pub(crate) fn bold<T>(self, text: T) -> Painted<T> {
        self.with("1", text)
    }

    pub(crate) fn dim<T>(self, text: T) -> Painted<T> {
        self.with("2", text)
    }

    pub(crate) fn red<T>(self, text: T) -> Painted<T> {
        self.with("31", text)
    }

    pub(crate) fn green<T>(self, text: T) -> Painted<T> {
        self.with("32", text)
    }

    pub(crate) fn yellow<T>(self, text: T) -> Painted<T> {
        self.with("33", text)
    }

    fn with<T>(self, code: &'static str, text: T) -> Painted<T> {
        Painted { code: if self.0 { code } else { "" }, text }
    }
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            "" => self.text.fmt(f),
            code => write!(f, "\x1b[{code}m{}\x1b[0m", self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ColorChoice, Paint};

    #[test]
    fn color_choice_overrides_the_terminal() {
        assert_eq!(Paint::new(ColorChoice::Always, false).red("x").to_string(), "\x1b[31mx\x1b[0m");
        assert_eq!(Paint::new(ColorChoice::Never, true).red("x").to_string(), "x");
        assert_eq!(Paint::new(ColorChoice::Auto, false).red("x").to_string(), "x");
    }
}
