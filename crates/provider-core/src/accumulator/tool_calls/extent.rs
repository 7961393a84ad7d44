//! How far the arguments of a call have come.

/// Follows a JSON value by its brackets and quotes. It reads each byte once, however often it is asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Extent {
    /// How many bytes have been read.
    read: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The last byte that is no white space.
    last: u8,
}

/// How much of a value is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    NotBegun,
    /// More must follow, or may.
    Begun,
    /// The value has ended.
    Whole,
}

impl Extent {
    /// How much of a value `text` is, which has only grown since this was asked before.
    pub(super) fn of(&mut self, text: &str) -> Progress {
        for byte in text.bytes().skip(self.read) {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            if !byte.is_ascii_whitespace() {
                self.last = byte;
            }
        }
        self.read = text.len();
        match self.last {
            0 => Progress::NotBegun,
            b'}' | b']' | b'"' if self.depth == 0 && !self.in_string => Progress::Whole,
            // Numbers can go on, and these words cannot.
            _ if matches!(text, "null" | "true" | "false") => Progress::Whole,
            _ => Progress::Begun,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Extent, Progress};

    #[test]
    fn a_value_is_whole_when_its_brackets_and_quotes_are_closed() {
        use Progress::*;
        for (text, progress) in [
            ("", NotBegun),
            (" \n", NotBegun),
            ("{", Begun),
            (r#"{"a":"}"#, Begun),
            (r#"{"a":"\"}"#, Begun),
            (r#"{"a":{}"#, Begun),
            ("12", Begun),
            ("nul", Begun),
            ("{}", Whole),
            (" {\"a\": [1, \"}\"]} \n", Whole),
            ("{'a': 1}", Whole),
            (r#""a""#, Whole),
            ("null", Whole),
        ] {
            assert_eq!(Extent::default().of(text), progress, "{text}");
            // Asked on the way as well.
            let mut extent = Extent::default();
            for (end, _) in text.char_indices() {
                extent.of(&text[..end]);
            }
            assert_eq!(extent.of(text), progress, "{text} piece by piece");
        }
    }
}
