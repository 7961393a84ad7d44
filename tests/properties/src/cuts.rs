//! Ways to cut a body into the pieces it is sent in.

/// A way to cut a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// In one piece.
    Whole,
    /// In pieces of 1 to `longest` bytes, by a seed: through lines, numbers, and characters.
    Random {
        /// Where the pseudo-random numbers begin.
        seed: u64,
        /// The longest piece.
        longest: usize,
    },
    /// Inside every multi-byte character and inside every CRLF, and nowhere else.
    InsideCharacters,
}

/// Cuts a body.
pub fn cut(body: &[u8], how: Cut) -> Vec<Vec<u8>> {
    match how {
        Cut::Whole => vec![body.to_vec()],
        Cut::Random { seed, longest } => {
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let mut pieces = Vec::new();
            let mut rest = body;
            while !rest.is_empty() {
                // xorshift64
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let length = (state as usize % longest + 1).min(rest.len());
                let (piece, after) = rest.split_at(length);
                pieces.push(piece.to_vec());
                rest = after;
            }
            pieces
        }
        Cut::InsideCharacters => {
            let mut pieces = Vec::new();
            let mut from = 0;
            for at in 1..body.len() {
                let inside_character = body[at] & 0xC0 == 0x80;
                if inside_character || (body[at - 1], body[at]) == (b'\r', b'\n') {
                    pieces.push(body[from..at].to_vec());
                    from = at;
                }
            }
            pieces.push(body[from..].to_vec());
            pieces
        }
    }
}
