//! The answer of `GET /models`.

use provider_core::{Catalogue, Model, Price, Pricing};

use super::lenient::{Count, Raw, Str, object};
use super::usage::amount;

object! {
    /// A page of models.
    Page<'a> {
        data: Raw<'a> = "data",
        total_count: Count = "total_count",
        links: PageLinks<'a> = "links",
    }
}

object! {
    PageLinks<'a> {
        next: Str<'a> = "next",
    }
}

object! {
    WireModel<'a> {
        id: Str<'a> = "id",
        name: Str<'a> = "name",
        canonical_slug: Str<'a> = "canonical_slug",
        description: Str<'a> = "description",
        created: Count = "created",
        context_length: Count = "context_length",
        architecture: Architecture<'a> = "architecture",
        top_provider: TopProvider<'a> = "top_provider",
        supported_parameters: Raw<'a> = "supported_parameters",
        pricing: WirePricing<'a> = "pricing",
        expiration_date: Str<'a> = "expiration_date",
    }
}

object! {
    Architecture<'a> {
        input_modalities: Raw<'a> = "input_modalities",
        output_modalities: Raw<'a> = "output_modalities",
    }
    skip "modality" | "tokenizer" | "instruct_type"
}

object! {
    TopProvider<'a> {
        max_completion_tokens: Count = "max_completion_tokens",
    }
    skip "context_length" | "is_moderated"
}

object! {
    WirePricing<'a> {
        prompt: Raw<'a> = "prompt",
        completion: Raw<'a> = "completion",
        request: Raw<'a> = "request",
        image: Raw<'a> = "image",
        input_cache_read: Raw<'a> = "input_cache_read",
        input_cache_write: Raw<'a> = "input_cache_write",
        internal_reasoning: Raw<'a> = "internal_reasoning",
        web_search: Raw<'a> = "web_search",
    }
}

/// Reads a page of the catalogue, and the link to the next one.
///
/// # Errors
/// When the body is no JSON object with a list of models in `data`.
pub(crate) fn read(body: &str) -> Result<(Catalogue, Option<String>), String> {
    let page: Page<'_> = serde_json::from_str(body).map_err(|cause| cause.to_string())?;
    if !page.data.get().is_some_and(|data| data.starts_with('[')) {
        return Err("there is no list of models in `data`".to_owned());
    }
    let mut models = Vec::new();
    page.data.for_each(|raw: Raw<'_>| {
        let model = raw.read::<WireModel<'_>>().unwrap_or_default();
        // An entry without an id cannot be asked for.
        if model.id.filled().is_some() {
            models.push(into_model(model, raw));
        }
    });
    let next = page.links.next.filled().map(str::to_owned);
    Ok((Catalogue::new(models, page.total_count.0), next))
}

fn into_model(wire: WireModel<'_>, raw: Raw<'_>) -> Model {
    let owned = |text: Str<'_>| text.filled().map(str::to_owned);
    let mut model = Model::default();
    model.id = wire.id.into_cow().into_owned();
    model.name = wire.name.into_cow().into_owned();
    model.canonical_slug = owned(wire.canonical_slug);
    model.description = owned(wire.description);
    model.created = wire.created.0;
    model.context_length = wire.context_length.0;
    model.max_completion_tokens = wire.top_provider.max_completion_tokens.0;
    model.input_modalities = texts(wire.architecture.input_modalities);
    model.output_modalities = texts(wire.architecture.output_modalities);
    model.supported_parameters = texts(wire.supported_parameters);
    model.pricing = pricing(&wire.pricing);
    model.expiration_date = owned(wire.expiration_date);
    model.raw = raw.0.map(Into::into);
    model
}

fn pricing(wire: &WirePricing<'_>) -> Pricing {
    let mut pricing = Pricing::default();
    pricing.prompt = price(wire.prompt);
    pricing.completion = price(wire.completion);
    pricing.request = price(wire.request);
    pricing.image = price(wire.image);
    pricing.input_cache_read = price(wire.input_cache_read);
    pricing.input_cache_write = price(wire.input_cache_write);
    pricing.internal_reasoning = price(wire.internal_reasoning);
    pricing.web_search = price(wire.web_search);
    pricing
}

/// A price. Routers have `-1`: it depends on the model they pick.
fn price(raw: Raw<'_>) -> Option<Price> {
    amount(raw).map(|amount| if amount.is_negative() { Price::Varies } else { Price::Fixed(amount) })
}

fn texts(raw: Raw<'_>) -> Vec<String> {
    let mut texts = Vec::new();
    raw.for_each(|text: Str<'_>| texts.extend(text.filled().map(str::to_owned)));
    texts
}
