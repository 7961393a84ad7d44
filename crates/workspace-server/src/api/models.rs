//! The models of all providers of a workspace, for a selector.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::State;
use provider_core::{
    Catalogue, ChatRequest, ErrorKind, FieldProblem, Model as Listed, ModelQuery, ModelSort, Price, Pricing,
    RawJson, TimeOfWeek,
};
use provider_registry::{Listing, SelectedModel};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use utoipa::{IntoParams, ToSchema};
use workspace_store::ConnectedWorkspace;

use super::extract::{Body, Params, money, page_len};
use crate::access::Bearer;
use crate::chat::prompt;
use crate::error::{ApiError, Envelope, Result, code_of, success};
use crate::state::App;

/// The models of all providers that answered, and the failures of the others.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Models {
    items: Vec<Model>,
    /// How many models the query has found in all.
    total: usize,
    /// The `offset` of the next page; `null` on the last one.
    next: Option<usize>,
    /// The providers whose models are missing, and why.
    failed: Vec<FailedProvider>,
}

/// A provider whose models could not be had.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailedProvider {
    provider: String,
    code: String,
    message: String,
    /// The kind of the provider's error; `null`: it is not connected.
    #[schema(value_type = Option<String>)]
    kind: Option<ErrorKind>,
    /// The next step.
    next_step: Option<String>,
}

impl FailedProvider {
    fn of(provider: String, error: &provider_core::Error) -> Self {
        Self {
            provider,
            code: code_of(error).to_owned(),
            message: error.to_string(),
            kind: Some(error.kind()),
            next_step: error.next_step().map(str::to_owned),
        }
    }
}

/// A model of a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Model {
    /// Provider and id, as an agent node stores it: `openrouter:openai/gpt-4o`.
    reference: String,
    /// The id of the configured provider.
    provider: String,
    /// The id as the provider knows it.
    id: String,
    name: String,
    author: Option<String>,
    description: Option<String>,
    /// Seconds since 1970.
    created: Option<u64>,
    /// Tokens of request and answer together.
    context_length: Option<u64>,
    max_completion_tokens: Option<u64>,
    input_modalities: Vec<String>,
    output_modalities: Vec<String>,
    /// The request parameters that it takes.
    parameters: Vec<String>,
    tools: bool,
    reasoning: bool,
    free: bool,
    /// Whether the workspace may use it.
    enabled: bool,
    prices: ModelPrices,
    deprecation: Option<ModelDeprecation>,
}

/// Prices in US dollars per million tokens, exact; `null`: not known, or not the same for all requests.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelPrices {
    prompt_per_million: Option<String>,
    completion_per_million: Option<String>,
    /// Whether the price depends on the model that a router picks.
    varies: bool,
}

/// The end of a model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelDeprecation {
    date: String,
    /// Below zero when it is over.
    days_left: i64,
}

/// A query of the selector. All conditions must hold.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Search {
    /// Words of ids and names, in any order; typos are forgiven.
    q: Option<String>,
    /// The id of a configured provider.
    provider: Option<String>,
    /// One author, or several with commas between them.
    author: Option<String>,
    tools: Option<bool>,
    /// Reads images.
    images: Option<bool>,
    /// Reads files.
    files: Option<bool>,
    /// Reads audio.
    audio: Option<bool>,
    reasoning: Option<bool>,
    free: Option<bool>,
    /// `true`: those that the workspace may use; `false`: the others.
    enabled: Option<bool>,
    /// US dollars per million tokens, prompt and answer alike: `2.50`.
    max_price: Option<String>,
    /// Tokens.
    min_context: Option<u64>,
    /// `relevance` (default), `id`, `price`, `context` or `newest`.
    sort: Option<String>,
    /// How many to pass over. Default: 0.
    offset: Option<usize>,
    /// Items in a page. Default: 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

impl Search {
    fn query(&self) -> Result<ModelQuery> {
        let mut query = ModelQuery::new(self.q.as_deref().unwrap_or_default());
        query.free = self.free == Some(true);
        query.min_context = self.min_context;
        query.sort = match self.sort.as_deref() {
            None | Some("relevance") => ModelSort::Relevance,
            Some("id") => ModelSort::Id,
            Some("price") => ModelSort::Price,
            Some("context") => ModelSort::Context,
            Some("newest") => ModelSort::Newest,
            Some(_) => {
                let problem = "must be one of: relevance, id, price, context, newest";
                return Err(ApiError::invalid(vec![FieldProblem::new("sort", problem)]));
            }
        };
        if let Some(text) = &self.max_price {
            query = query.max_price(money("max_price", text)?);
        }
        for author in self.author.iter().flat_map(|authors| authors.split(',')).map(str::trim) {
            query = query.author(author);
        }
        for (wanted, modality) in [(self.images, "image"), (self.files, "file"), (self.audio, "audio")] {
            if wanted == Some(true) {
                query = query.supports_input(modality);
            }
        }
        Ok(query)
    }

    /// Conditions that a catalogue's query does not have: the negations, and those of the workspace.
    fn admits(&self, model: &Listed, is_enabled: bool) -> bool {
        let fits = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
        fits(self.tools, model.supports_tools())
            && fits(self.reasoning, model.supports_reasoning())
            && fits(self.images, model.supports_input("image"))
            && fits(self.files, model.supports_input("file"))
            && fits(self.audio, model.supports_input("audio"))
            && fits(self.free, model.is_free())
            && fits(self.enabled, is_enabled)
    }
}

/// How long a provider's list is waited for. A slower one is named among those that failed.
const CATALOGUE_WAIT: Duration = Duration::from_secs(5);

/// Searches the models of all providers of the workspace. A provider that fails is named beside them.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/models", operation_id = "search_models",
    params(Search), responses((status = 200, body = Envelope<Models>)))]
pub(crate) async fn search(
    State(app): State<App>,
    bearer: Bearer,
    Params(search): Params<Search>,
) -> Result<Json<Envelope<Models>>> {
    let (query, len) = (search.query()?, page_len(search.limit)?);
    let workspace = app.connections.workspace(bearer.workspace()).await?;
    let (catalogues, failed) = catalogues(&workspace, search.provider.as_deref()).await;
    let records: HashMap<_, _> = workspace.providers().map(|record| (record.id.as_str(), record)).collect();
    let is_enabled = |provider: &str, model: &Listed| {
        records.get(provider).is_some_and(|record| record.is_enabled(&model.id))
    };
    let mut found: Vec<(&str, &Listed)> = Vec::new();
    let mut joined = Catalogue::default();
    let mut providers: Vec<&str> = Vec::new();
    match &catalogues[..] {
        [(provider, catalogue)] => {
            found.extend(catalogue.select(&query).into_iter().map(|model| (provider.as_str(), model)));
        }
        several => {
            // One query over all of them, so that they stand in one order.
            for (provider, catalogue) in several {
                joined.models.extend(catalogue.models.iter().cloned());
                providers.resize(joined.models.len(), provider);
            }
            let places: HashMap<*const Listed, &str> =
                joined.models.iter().map(std::ptr::from_ref).zip(providers).collect();
            let provider =
                |model: &Listed| places.get(&std::ptr::from_ref(model)).copied().unwrap_or_default();
            found.extend(joined.select(&query).into_iter().map(|model| (provider(model), model)));
        }
    }
    found.retain(|(provider, model)| search.admits(model, is_enabled(provider, model)));
    let (total, offset) = (found.len(), search.offset.unwrap_or(0));
    let end = offset.saturating_add(usize::try_from(len).unwrap_or(usize::MAX));
    let page = found.into_iter().skip(offset).take(end - offset);
    let items = page.map(|(provider, model)| shown(provider, model, is_enabled(provider, model))).collect();
    Ok(success(Models { items, total, next: (end < total).then_some(end), failed }))
}

/// A model to be shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct One {
    /// The model as an agent node has it: `openrouter:openai/gpt-4o`, or the id alone.
    reference: String,
}

/// Shows one model. Ids have slashes, so that it is named in the query.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/model", operation_id = "show_model", params(One),
    responses((status = 200, body = Envelope<Model>)))]
pub(crate) async fn show(
    State(app): State<App>,
    bearer: Bearer,
    Params(one): Params<One>,
) -> Result<Json<Envelope<Model>>> {
    let workspace = app.connections.workspace(bearer.workspace()).await?;
    let selected = selected(&workspace, &one.reference, "reference").await?;
    let reference = selected.reference();
    let catalogue = selected_catalogue(&workspace, &reference.provider).await?;
    let missing = || {
        let message = format!("the provider lists no model {:?}", reference.model);
        ApiError::of_model(ApiError::not_found(message), "reference")
    };
    let model = catalogue.find(&reference.model).ok_or_else(missing)?;
    let record = workspace.providers().find(|record| record.id == reference.provider);
    let is_enabled = record.is_some_and(|record| record.is_enabled(&model.id));
    Ok(success(shown(&reference.provider, model, is_enabled)))
}

/// An upstream provider's offer of a model. What the service does not tell is `null`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelEndpoint {
    /// The upstream provider's name to show.
    provider: String,
    /// Its name in routing.
    tag: Option<String>,
    /// The service tier that it sells; `null`: the standard one.
    service_tier: Option<String>,
    /// `fp8`, `int4`, `bf16`, …
    quantization: Option<String>,
    context_length: Option<u64>,
    max_prompt_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    prices: ModelPrices,
    /// The request parameters that it takes.
    parameters: Vec<String>,
    /// How many of the requests of the last five minutes went well, in per cent.
    uptime_last_5m: Option<f64>,
    uptime_last_30m: Option<f64>,
    uptime_last_1d: Option<f64>,
    /// The median time to the first token over the last half hour, in milliseconds.
    latency_p50_ms: Option<f64>,
    /// The time that nine of ten requests kept to.
    latency_p90_ms: Option<f64>,
    /// The median speed over the last half hour, in tokens per second.
    tokens_per_second_p50: Option<f64>,
}

/// Shows the endpoints that serve a model: prices, limits, uptime, speed. `null`: the provider does not tell.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/model/endpoints", operation_id = "list_endpoints",
    params(One), responses((status = 200, body = Envelope<Option<Vec<ModelEndpoint>>>)))]
pub(crate) async fn endpoints(
    State(app): State<App>,
    bearer: Bearer,
    Params(one): Params<One>,
) -> Result<Json<Envelope<Option<Vec<ModelEndpoint>>>>> {
    let workspace = app.connections.workspace(bearer.workspace()).await?;
    let selected = selected(&workspace, &one.reference, "reference").await?;
    let provider = selected.provider();
    let Some(details) = provider.descriptor().model_details() else { return Ok(success(None)) };
    let endpoints = in_time(details.endpoints(&**provider, selected.id())).await?;
    let endpoint = |of: provider_core::ModelEndpoint| ModelEndpoint {
        prices: ModelPrices::of(&of.pricing),
        provider: of.provider,
        tag: of.tag,
        service_tier: of.service_tier,
        quantization: of.quantization,
        context_length: of.context_length,
        max_prompt_tokens: of.max_prompt_tokens,
        max_completion_tokens: of.max_completion_tokens,
        parameters: of.supported_parameters,
        uptime_last_5m: of.uptime_last_5m,
        uptime_last_30m: of.uptime_last_30m,
        uptime_last_1d: of.uptime_last_1d,
        latency_p50_ms: of.latency_p50_ms,
        latency_p90_ms: of.latency_p90_ms,
        tokens_per_second_p50: of.tokens_per_second_p50,
    };
    Ok(success(Some(endpoints.into_iter().map(endpoint).collect())))
}

/// Bounds a fetch of facts about models: a page waits for it.
pub(super) async fn in_time<T>(
    fetch: impl Future<Output = std::result::Result<T, provider_core::Error>>,
) -> Result<T> {
    let late = |_| {
        let message = format!("the provider has not answered within {} s", CATALOGUE_WAIT.as_secs());
        ApiError::new(http::StatusCode::GATEWAY_TIMEOUT, "timeout", message)
    };
    Ok(tokio::time::timeout(CATALOGUE_WAIT, fetch).await.map_err(late)??)
}

impl ModelPrices {
    fn of(pricing: &Pricing) -> Self {
        const MILLION: u64 = 1_000_000;
        let per_million = |price: Option<Price>| {
            let amount = price.and_then(Price::amount);
            amount.map(|amount| (amount * MILLION).to_string())
        };
        Self {
            prompt_per_million: per_million(pricing.prompt),
            completion_per_million: per_million(pricing.completion),
            varies: [pricing.prompt, pricing.completion].contains(&Some(Price::Varies)),
        }
    }
}

/// A request to be looked at before it is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckRequest {
    /// The model as an agent node has it.
    model: String,
    /// The request, in the shape of chat completions: `messages`, or as for a turn `message`, and parameters.
    #[schema(value_type = Object)]
    request: BTreeMap<String, RawJson>,
}

/// The problems of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckedRequest {
    /// Whether the catalogue lists the model; if not, nothing is known of it.
    listed: bool,
    problems: Vec<RequestProblem>,
    /// The cost in US dollars at most, exact; `null`: not known.
    estimate: Option<String>,
}

/// A problem of a request with a model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestProblem {
    field: String,
    problem: String,
}

/// Says what a model lacks for a request, and what the request may cost. Nothing is sent.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/models/problems", operation_id = "check_request",
    request_body = CheckRequest, responses((status = 200, body = Envelope<CheckedRequest>)))]
pub(crate) async fn problems(
    State(app): State<App>,
    bearer: Bearer,
    Body(given): Body<CheckRequest>,
) -> Result<Json<Envelope<CheckedRequest>>> {
    let workspace = app.connections.workspace(bearer.workspace()).await?;
    let selected = selected(&workspace, &given.model, "model").await?;
    let mut request = read_request(given.request).map_err(|mut error| {
        error.problems.iter_mut().for_each(|problem| problem.field.insert_str(0, "request."));
        error
    })?;
    request.model = selected.id().to_owned();
    let catalogue = selected_catalogue(&workspace, &selected.reference().provider).await.ok();
    let listed = match selected.listing() {
        Listing::Listed(listed) => Some(&**listed),
        _ => catalogue.as_ref().and_then(|catalogue| catalogue.find(selected.id())),
    };
    let problems = listed.map(|model| model.problems(&request)).unwrap_or_default();
    let problem = |problem: FieldProblem| RequestProblem { field: problem.field, problem: problem.problem };
    Ok(success(CheckedRequest {
        listed: listed.is_some(),
        problems: problems.into_iter().map(problem).collect(),
        estimate: listed.map(|model| model.estimate(&request, TimeOfWeek::now()).amount.to_string()),
    }))
}

/// Reads the request of a check: its messages as those of a turn are read, and the rest as a completion's.
fn read_request(mut fields: BTreeMap<String, RawJson>) -> Result<ChatRequest> {
    let message = fields.remove("message");
    let messages = match fields.remove("messages") {
        None => Vec::new(),
        Some(list) => list.read::<Vec<RawJson>>().map_err(|_| {
            ApiError::invalid(vec![FieldProblem::new("messages", "must be a list of objects")])
        })?,
    };
    let messages = prompt::new_messages(message.as_ref(), &messages, &[])?;
    // Both are said beside it.
    fields.retain(|name, _| !matches!(name.as_str(), "model" | "stream"));
    let parameters = RawJson::new(&fields)
        .map_err(|_| ApiError::invalid(vec![FieldProblem::new("parameters", "cannot be written")]))?;
    let mut request = openai_wire::decode(parameters.get(), &openai_wire::Plain)?.request;
    request.messages.extend(messages);
    Ok(request)
}

/// The model of a reference, enabled or not, which this field has.
async fn selected(workspace: &ConnectedWorkspace, reference: &str, field: &str) -> Result<SelectedModel> {
    let found = workspace.workspace().model(reference).await;
    found.map_err(|error| ApiError::of_model(error, field))
}

async fn selected_catalogue(workspace: &ConnectedWorkspace, provider: &str) -> Result<Arc<Catalogue>> {
    let cache = workspace.workspace().instance(provider)?.catalogue_cache().clone();
    Ok(cache.get_within(CATALOGUE_WAIT).await?.catalogue)
}

/// The catalogues of all providers, or of one, fetched at the same time.
async fn catalogues(
    workspace: &ConnectedWorkspace,
    only: Option<&str>,
) -> (Vec<(String, Arc<Catalogue>)>, Vec<FailedProvider>) {
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    let mut tasks = JoinSet::new();
    for record in workspace.providers().filter(|record| only.is_none_or(|only| only == record.id)) {
        let provider = record.id.clone();
        match (workspace.error(&provider), workspace.workspace().instance(&provider)) {
            (Some(error), _) => {
                failed.push(FailedProvider {
                    provider,
                    code: "config".to_owned(),
                    message: error.to_string(),
                    kind: None,
                    next_step: None,
                });
            }
            (None, Err(error)) => failed.push(FailedProvider::of(provider, &error)),
            (None, Ok(instance)) => {
                let cache = instance.catalogue_cache().clone();
                tasks.spawn(async move { (provider, cache.get_within(CATALOGUE_WAIT).await) });
            }
        }
    }
    while let Some(joined) = tasks.join_next().await {
        match joined {
            Ok((provider, Ok(cached))) => found.push((provider, cached.catalogue)),
            Ok((provider, Err(error))) => failed.push(FailedProvider::of(provider, &error)),
            Err(error) => tracing::error!(%error, "a catalogue was not read"),
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    failed.sort_by(|one, other| one.provider.cmp(&other.provider));
    (found, failed)
}

fn shown(provider: &str, model: &Listed, is_enabled: bool) -> Model {
    let words = |words: &[provider_core::ShortText]| words.iter().map(|word| word.to_string()).collect();
    Model {
        reference: format!("{provider}:{}", model.id),
        provider: provider.to_owned(),
        id: model.id.clone(),
        name: model.name.clone(),
        author: model.author().map(str::to_owned),
        description: model.description.clone(),
        created: model.created,
        context_length: model.context_length,
        max_completion_tokens: model.max_completion_tokens,
        input_modalities: words(&model.input_modalities),
        output_modalities: words(&model.output_modalities),
        parameters: words(&model.supported_parameters),
        tools: model.supports_tools(),
        reasoning: model.supports_reasoning(),
        free: model.is_free(),
        enabled: is_enabled,
        prices: ModelPrices::of(&model.pricing),
        deprecation: model
            .deprecation(SystemTime::now())
            .map(|deprecation| ModelDeprecation { date: deprecation.date, days_left: deprecation.days_left }),
    }
}
