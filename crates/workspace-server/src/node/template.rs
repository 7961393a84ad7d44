//! `{{variable}}` in a text: plain substitution, once, without a language behind it.

use std::collections::BTreeMap;

use provider_core::FieldProblem;
use serde_json::Value;

/// A piece of a template.
pub(super) enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Hands out the pieces of a template in order. Braces around anything but a name stay as they are.
pub(super) fn each<'a>(text: &'a str, mut piece: impl FnMut(Piece<'a>)) {
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let (before, inside) = (&rest[..open], &rest[open + 2..]);
        let name = inside.find("}}").map(|close| (inside[..close].trim(), &inside[close + 2..]));
        match name.filter(|(name, _)| is_name(name)) {
            Some((name, behind)) => {
                piece(Piece::Text(before));
                piece(Piece::Variable(name));
                rest = behind;
            }
            None => {
                piece(Piece::Text(&rest[..open + 2]));
                rest = inside;
            }
        }
    }
    piece(Piece::Text(rest));
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Puts values in the place of `{{name}}`: texts as they are, other values as JSON. A value that has
/// `{{name}}` in it is not read again, so that what a user wrote cannot pull in another variable.
///
/// # Errors
/// The variables without a value.
pub fn substitute(text: &str, values: &BTreeMap<String, Value>) -> Result<String, Vec<FieldProblem>> {
    let (mut out, mut missing) = (String::with_capacity(text.len()), Vec::new());
    each(text, |piece| match piece {
        Piece::Text(text) => out.push_str(text),
        Piece::Variable(name) => match values.get(name) {
            Some(Value::String(value)) => out.push_str(value),
            Some(value) => out.push_str(&value.to_string()),
            None => missing.push(FieldProblem::new(format!("variables.{name}"), "has no value")),
        },
    });
    if missing.is_empty() { Ok(out) } else { Err(missing) }
}
