//! Ids of models: which of them name the same one.

/// Whether two ids name the same model, chosen otherwise: by a variant (`:nitro`, `:free`, `:free:online`) or
/// with a preset (`@preset/support`). A router (`openrouter/auto`), or a preset alone, is the same as itself
/// only, whatever model it picks.
pub(super) fn is_same_model(one: &str, other: &str) -> bool {
    name(one) == name(other)
}

/// Whether an id is OpenRouter's by its form: a preset, alone or behind a model; a variant of a model that
/// has an author; a router of its own (`openrouter/auto`).
pub(crate) fn is_claimed(id: &str) -> bool {
    let model = name(id);
    let has_author = |model: &str| {
        model.split_once('/').is_some_and(|(author, slug)| !author.is_empty() && !slug.is_empty())
    };
    match id.strip_prefix("openrouter/") {
        Some(own) => !own.contains('/') && !own.starts_with('@'),
        None if id.starts_with("@preset/") => true,
        None => {
            has_author(model) && (id[model.len()..].starts_with("@preset/") || is_variant(&id[model.len()..]))
        }
    }
}

/// Whether what stands behind a model is nothing but variants (`:free:online`), and at least one of them.
fn is_variant(behind: &str) -> bool {
    const VARIANTS: [&str; 8] =
        ["free", "nitro", "floor", "online", "exacto", "thinking", "extended", "batch"];
    behind.strip_prefix(':').is_some_and(|words| words.split(':').all(|word| VARIANTS.contains(&word)))
}

/// The id without what stands behind the model's name.
fn name(id: &str) -> &str {
    let end = id.find([':', '@']).unwrap_or(id.len());
    if end == 0 { id } else { &id[..end] }
}

#[cfg(test)]
mod tests {
    use super::{is_claimed, is_same_model};

    #[test]
    fn presets_variants_and_own_routers_are_claimed() {
        for id in [
            "@preset/x",
            "openai/gpt-4@preset/x",
            "openai/gpt-4o:nitro",
            "~anthropic/claude-opus-latest:free:online",
            "openrouter/auto",
            "openrouter/free",
        ] {
            assert!(is_claimed(id), "{id}");
        }
        for id in [
            "",
            "gpt-4o",
            "llama3:8b",
            "library/llama3:8b",
            "openai/gpt-4o",
            "gpt-4o:nitro",
            "/gpt-4o:nitro",
            "openrouter/openai/gpt-4o",
            "openrouter/@preset/x",
            "openai/gpt-4o:",
        ] {
            assert!(!is_claimed(id), "{id}");
        }
    }

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
