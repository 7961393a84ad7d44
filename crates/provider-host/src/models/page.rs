//! `models show`: one model, with all that its provider tells of it.

use std::time::SystemTime;

use provider_core::{Error, ErrorKind, Model, Price, Usd};
use provider_registry::Instance;

use super::ListedModel;
use crate::connect::Host;
use crate::exit::Failure;
use crate::output::number::{UNKNOWN, dollars, grouped, or_unknown, per_million};
use crate::output::progress::Progress;
use crate::output::{Output, text};

/// The width of the names in front of values.
const NAMES: usize = 12;

/// Shows a model.
///
/// # Errors
/// When no connected provider has it, or its list cannot be had.
pub(super) async fn show(id: &str, json: bool, host: &Host, output: Output) -> Result<(), Failure> {
    let progress = Progress::new(output, "fetching the list of models");
    let found = progress.during(find(id, host)).await;
    let (provider, model) = match found {
        Ok(found) => found,
        Err(error) => return Err(host.explained(error).await.into()),
    };
    if json {
        return Ok(output.write_json(&ListedModel { provider: &provider, model: &model })?);
    }
    Ok(output.write(&page(&provider, &model, output))?)
}

async fn find(id: &str, host: &Host) -> Result<(String, Model), Error> {
    let selected = host.model(id).await?;
    let provider = &selected.reference().provider;
    let catalogue = Instance::catalogue(host.instance(provider)?).await?;
    match catalogue.find(selected.id()) {
        Some(model) => Ok((provider.clone(), model.clone())),
        None => {
            let message = format!("{provider} lists no model {}", selected.id());
            let error = Error::new(ErrorKind::ModelNotFound, message);
            Err(error.with_provider(provider).with_model(selected.id()))
        }
    }
}

fn page(provider: &str, model: &Model, output: Output) -> String {
    let wrap = |line: String, indent: usize| match output.columns {
        Some(room) => text::wrap(&line, room, indent).join("\n") + "\n",
        None => line + "\n",
    };
    let title = output.out.bold(format!("{} ({})", text::one_line(&model.name), text::one_line(&model.id)));
    let mut page = wrap(title.to_string(), 2);
    if let Some(description) = model.description.as_deref().filter(|text| !text.trim().is_empty()) {
        page.push_str(&wrap(text::one_line(description), 0));
    }
    page.push('\n');
    for (name, value) in rows(provider, model) {
        let line = format!("{} {}", output.out.dim(format!("{name:<NAMES$}")), text::one_line(&value));
        page.push_str(&wrap(line, NAMES + 1));
    }
    page
}

fn rows(provider: &str, model: &Model) -> Vec<(&'static str, String)> {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| UNKNOWN.to_owned());
    let list = |words: Vec<&str>| if words.is_empty() { UNKNOWN.to_owned() } else { words.join(", ") };
    let input = model.input_modalities.iter().map(|word| word.as_str()).collect();
    let written = model.output_modalities.iter().map(|word| word.as_str()).collect();
    let parameters = model.supported_parameters.iter().map(|word| word.as_str()).collect();
    let pricing = &model.pricing;
    let each = |price: Option<Price>| match price.and_then(Price::amount) {
        Some(amount) if amount != Usd::ZERO => dollars(amount),
        _ => UNKNOWN.to_owned(),
    };
    let per_million = |price: Option<Price>| match price {
        None => UNKNOWN.to_owned(),
        price => per_million(price),
    };
    let deprecation = model.deprecation(SystemTime::now());
    let mut rows = vec![
        ("provider", provider.to_owned()),
        ("context", or_unknown(model.context_length, grouped)),
        ("max out", or_unknown(model.max_completion_tokens, grouped)),
        ("$/M in", per_million(pricing.prompt)),
        ("$/M out", per_million(pricing.completion)),
        ("$/M cached", per_million(pricing.input_cache_read)),
        ("$/M to cache", per_million(pricing.input_cache_write)),
        ("$/request", each(pricing.request)),
        ("$/image in", each(pricing.image)),
        ("$/search", each(pricing.web_search)),
        ("reads", list(input)),
        ("writes", list(written)),
        ("parameters", list(parameters)),
        ("knows until", text(&model.knowledge_cutoff)),
        ("slug", text(&model.canonical_slug)),
        ("tokenizer", text(&model.tokenizer)),
        ("Hugging Face", text(&model.hugging_face_id)),
        ("ends", deprecation.map_or_else(|| UNKNOWN.to_owned(), |known| known.date.to_string())),
    ];
    rows.retain(|(_, value)| value != UNKNOWN && !value.is_empty());
    rows
}
