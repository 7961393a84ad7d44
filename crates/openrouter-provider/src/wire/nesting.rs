//! What a value is in: objects and lists, the innermost last.

/// A stack of one bit a level. The first 64 levels take no allocation.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    /// The innermost levels, up to 64, the innermost in the lowest bit. A bit is set for an object.
    near: u64,
    depth: usize,
    /// The levels around them, by 64.
    far: Vec<u64>,
}

impl Nesting {
    /// Goes into an object, or into a list.
    pub(super) fn enter(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth % 64 == 0 {
            self.far.push(self.near);
        }
        self.near = self.near << 1 | u64::from(is_object);
        self.depth += 1;
    }

    /// Goes out of the innermost.
    pub(super) fn leave(&mut self) {
        self.near >>= 1;
        self.depth = self.depth.saturating_sub(1);
        if self.depth > 0 && self.depth % 64 == 0 {
            self.near = self.far.pop().unwrap_or_default();
        }
    }

    /// Whether the innermost is an object; nothing outside of all.
    pub(super) fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.near & 1 == 1)
    }
}
