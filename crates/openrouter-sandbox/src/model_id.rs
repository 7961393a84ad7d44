//! Resolves model ids: variants, presets, dated slugs, aliases, and the sandbox's failures.

use crate::api_error::ApiError;
use crate::catalogue::{Catalogue, DEFAULT_MODEL, Model};
use crate::failures::Failure;

/// Suffixes that change how a model is routed or run. Every model accepts them.
const DYNAMIC_VARIANTS: [&str; 6] = ["nitro", "floor", "exacto", "online", "thinking", "extended"];

/// The target of a model id.
#[derive(Clone, Debug)]
pub(crate) enum Target<'a> {
    /// A model, and its dynamic variants.
    Model(&'a Model, Vec<&'a str>),
    /// A failure on demand.
    Failure(Failure),
}

/// Resolves a model id.
pub(crate) fn resolve<'a>(catalogue: &'a Catalogue, asked: &'a str) -> Result<Target<'a>, ApiError> {
    let unknown = || ApiError::bad_request(format!("{asked} is not a valid model ID"));
    if let Some(failure) = Failure::from_model_id(asked) {
        return Ok(Target::Failure(failure));
    }
    let id = match asked.split_once("@preset/") {
        Some((_, "")) => return Err(unknown()),
        Some(("", _)) => DEFAULT_MODEL,
        Some((id, _)) => id,
        None => asked,
    };
    let (base, variants) = split_variants(id);
    let static_mark = |mark: &str| variants.contains(&mark).then(|| format!("{base}:{mark}"));
    if static_mark("batch").is_some() {
        return Err(ApiError::not_found(format!("{asked} can only be reached through the Batch API")));
    }
    let row = match static_mark("free") {
        Some(free) => catalogue.row(&free),
        None => catalogue.row(base),
    };
    let Some(row) = row else {
        return Err(match catalogue.row(base) {
            Some(_) => ApiError::not_found(format!("No endpoints found for {asked}.")),
            None => unknown(),
        });
    };
    let dynamic: Vec<&str> = variants.into_iter().filter(|variant| *variant != "free").collect();
    match dynamic.iter().all(|variant| DYNAMIC_VARIANTS.contains(variant)) {
        true => Ok(Target::Model(catalogue.concrete(row), dynamic)),
        false => Err(unknown()),
    }
}

/// Splits `a/b:x:y` into `a/b` and the variants `x` and `y`.
fn split_variants(id: &str) -> (&str, Vec<&str>) {
    let mut parts = id.split(':');
    (parts.next().unwrap_or_default(), parts.collect())
}

/// The routing strategy that `openrouter_metadata` names for this id.
pub(crate) fn strategy(asked: &str) -> &'static str {
    match asked {
        "openrouter/auto" => "auto",
        "openrouter/free" => "free",
        _ if asked.starts_with('~') => "latest",
        _ => "direct",
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, resolve};
    use crate::catalogue::Catalogue;

    fn route(asked: &str) -> Result<String, u16> {
        let catalogue = Catalogue::load().unwrap();
        match resolve(&catalogue, asked) {
            Ok(Target::Model(model, _)) => Ok(model.response_model()),
            Ok(Target::Failure(failure)) => Ok(failure.id().to_owned()),
            Err(error) => Err(error.status),
        }
    }

    #[test]
    fn resolve_finds_models_by_any_spelling() {
        for (asked, model) in [
            ("openai/gpt-4o", "openai/gpt-4o-2024-11-20"),
            ("openai/gpt-4o-2024-11-20", "openai/gpt-4o-2024-11-20"),
            ("openai/gpt-4o:nitro", "openai/gpt-4o-2024-11-20"),
            ("openai/gpt-oss-20b:free:online", "openai/gpt-oss-20b:free"),
            ("openai/gpt-oss-20b", "openai/gpt-oss-20b"),
            ("deepseek/deepseek-r1:thinking:exacto", "deepseek/deepseek-r1"),
            ("anthropic/claude-3-5-sonnet", "anthropic/claude-3.5-sonnet-20241022"),
            ("~anthropic/claude-opus-latest", "anthropic/claude-4.1-opus-20250805"),
            ("openrouter/auto", "openai/gpt-4o-mini-2024-07-18"),
            ("openrouter/free", "meta-llama/llama-3.2-3b-instruct:free"),
            ("@preset/comedian", "openai/gpt-4o-mini-2024-07-18"),
            ("openai/gpt-4o@preset/comedian", "openai/gpt-4o-2024-11-20"),
            ("sandbox/stall", "sandbox/stall"),
        ] {
            assert_eq!(route(asked), Ok(model.to_owned()), "{asked}");
        }
    }

    #[test]
    fn resolve_refuses_other_ids() {
        for (asked, status) in [
            ("nobody/nothing", 400),
            ("", 400),
            ("openai/gpt-4o:fast", 400),
            ("@preset/", 400),
            ("sandbox/nothing", 400),
            ("openai/gpt-4o:batch", 404),
            ("openai/gpt-4o:free", 404),
        ] {
            assert_eq!(route(asked), Err(status), "{asked}");
        }
    }
}
