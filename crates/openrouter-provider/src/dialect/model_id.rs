//! Ids of models: which of them name the same one.

/// Whether two ids name the same model, chosen otherwise: by a variant (`:nitro`, `:free`, `:free:online`) or
/// with a preset (`@preset/support`). A router (`openrouter/auto`), or a preset alone, is the same as itself
/// only, whatever model it picks.
pub(super) fn is_same_model(one: &str, other: &str) -> bool {
    name(one) == name(other)
}

/// The id without what stands behind the model's name.
fn name(id: &str) -> &str {
    let end = id.find([':', '@']).unwrap_or(id.len());
    if end == 0 { id } else { &id[..end] }
}

#[cfg(test)]
mod tests {
    use super::is_same_model;

    #[test]
    fn variant_names_the_same_model() {
        let opus = "anthropic/claude-opus-4.5";
        for same in ["", ":nitro", ":online", ":exacto", ":free", ":free:online", "@preset/support"] {
            let same = format!("{opus}{same}");
            assert!(
                is_same_model(opus, &same) && is_same_model(&same, opus) && is_same_model(&same, &same),
                "{same}"
            );
        }
        assert!(is_same_model("anthropic/claude-opus-4.5:free", "anthropic/claude-opus-4.5:nitro"));
        for other in
            ["anthropic/claude-opus-4", "anthropic/claude-opus-4.5-fast:nitro", "openrouter/auto", ""]
        {
            assert!(!is_same_model(opus, other), "{other}");
        }
        assert!(is_same_model("@preset/a", "@preset/a") && !is_same_model("@preset/a", "@preset/b"));
    }
}
