//! `POST /chat/completions`: checks a request, routes it, and sends a completion or an error.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::api_error::{ApiError, GENERATION_ID, insert_header, respond};
use crate::auth::ApiKey;
use crate::catalogue::DEFAULT_MODEL;
use crate::completion::Completion;
use crate::conversation::Conversation;
use crate::cost::Usage;
use crate::failures::{Failure, no_credits, workspace_budget};
use crate::generation::Generation;
use crate::response_cache::{CacheHit, CacheKey, CacheOptions};
use crate::rng::Rng;
use crate::routing::Route;
use crate::scripted_body::{OpenStreamGuard, ScriptedBody};
use crate::state::AppState;
use crate::tokens::Logprobs;
use crate::{alignment, armor, event_stream, failures, generate, json_body, reasoning, signature, validate};

pub(crate) async fn create(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response<Body>, ApiError> {
    let key = ApiKey::check(&headers)?;
    let user_id = key.user_id();
    try_create(&state, &key, &headers, &body).map_err(|error| error.with_user_id(&user_id))
}

fn try_create(
    state: &AppState,
    key: &ApiKey,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response<Body>, ApiError> {
    if key.is_management() {
        return Err(ApiError::new(403, "A management key cannot be used for inference"));
    }
    let request = parse_body(headers, body)?;
    validate::chat_request(&request)?;
    if key.is_over_budget() {
        return Err(workspace_budget());
    }
    if key.has_no_credits() {
        return Err(no_credits());
    }

    let generation = state.next_generation();
    let cache = CacheOptions::of(headers).map(|options| (CacheKey::new(key.user_id(), body), options));
    if let Some(hit) = cache.as_ref().and_then(|(key, options)| state.cached(key, *options)) {
        return Ok(send_cached(state, hit, headers, &request, generation));
    }
    let id = generation.0.clone();
    let (route, attempt) = first_route(state, &request).map_err(|error| error.with_generation_id(&id))?;
    let completion = completion(state, key, headers, &request, &route, attempt, generation);
    if !completion.failure.is_some_and(Failure::is_free_of_charge) {
        state
            .record_generation(Generation::of(&completion, &request, headers, None), completion.usage.cost());
    }
    let streamed = request["stream"] == true;
    if completion.is_held_back() && !streamed {
        return Err(completion.alignment_error().usage(completion.usage.to_json()).with_generation_id(&id));
    }
    let mut response = send(state, &completion, streamed);
    if let Some((key, options)) = cache {
        insert_header(&mut response, "x-openrouter-cache-status", "MISS");
        insert_header(&mut response, "x-openrouter-cache-ttl", &options.ttl.as_secs().to_string());
        if completion.failure.is_none_or(Failure::is_cacheable) && !completion.is_held_back() {
            state.cache(key, completion, options.ttl);
        }
    }
    Ok(response)
}

/// Sends a completion from the cache.
fn send_cached(
    state: &AppState,
    hit: CacheHit,
    headers: &HeaderMap,
    request: &Value,
    (id, created): (String, u64),
) -> Response<Body> {
    let source = hit.completion.id.clone();
    let completion = hit.completion.replayed(id, created);
    state.record_generation(
        Generation::of(&completion, request, headers, Some(&source)),
        completion.usage.cost(),
    );
    let mut response = send(state, &completion, request["stream"] == true);
    for (name, value) in [
        ("x-openrouter-cache-status", "HIT".to_owned()),
        ("x-openrouter-cache-age", hit.age.as_secs().to_string()),
        ("x-openrouter-cache-ttl", hit.remaining.as_secs().to_string()),
        ("x-openrouter-cache-source-id", source),
    ] {
        insert_header(&mut response, name, &value);
    }
    response
}

/// Reads a body that must be JSON.
pub(crate) fn parse_body(headers: &HeaderMap, body: &[u8]) -> Result<Value, ApiError> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::bad_request("The content type must be application/json"));
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request(format!("The body is not JSON: {error}")))
}

/// Tries `model`, then each of `models`, and returns the first route that does not fail before its first
/// token, with the number of the attempt. If all fail, returns the last error.
fn first_route<'a>(state: &'a AppState, request: &'a Value) -> Result<(Route<'a>, usize), ApiError> {
    let fallbacks = request["models"].as_array().into_iter().flatten();
    let mut candidates: Vec<&str> =
        request["model"].as_str().into_iter().chain(fallbacks.filter_map(Value::as_str)).collect();
    if candidates.is_empty() {
        candidates.push(DEFAULT_MODEL);
    }
    let flagged = Conversation::of(request).user_text();
    let mut last_error = ApiError::bad_request("No model");
    for (index, asked) in candidates.into_iter().enumerate() {
        match route(state, asked, request, &flagged) {
            Ok(route) => return Ok((route, index + 1)),
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

/// Finds the route of one model. A model that is to fail before its first token is an error.
fn route<'a>(
    state: &'a AppState,
    requested_model: &'a str,
    request: &Value,
    flagged: &str,
) -> Result<Route<'a>, ApiError> {
    let mut route = Route::find(&state.catalogue, requested_model, request)?;
    let preferences = &request["provider"];
    if preferences["order"].is_null() && preferences["sort"].is_null() {
        route.start_at(state.turn());
    }
    if let Some(signer) = signature::foreign_signer(request, &route) {
        return Err(signature::refused(&route, signer));
    }
    match route.failure {
        Some(failure) if failure.name() == "flaky" && state.flaky_succeeds() => Ok(route),
        Some(failure) => failure.initial_error(flagged).map_or(Ok(route), Err),
        None => Ok(route),
    }
}

fn completion(
    state: &AppState,
    key: &ApiKey,
    headers: &HeaderMap,
    request: &Value,
    route: &Route<'_>,
    attempt: usize,
    (id, created): (String, u64),
) -> Completion {
    // The seed ignores `stream`, so that a streamed completion has the same content.
    let mut subject = request.clone();
    subject.as_object_mut().map(|fields| fields.remove("stream"));
    let mut rng = Rng::new(state.settings.seed, &subject.to_string());

    let mode = reasoning::mode(request, route.must_reason);
    let mut answer = generate::answer(request, route, mode, &mut rng);
    let written = answer.token_count();
    let safeguard_results = armor::judge(request, &mut answer);
    let alignment = alignment::judge(request, &answer);
    let prompt_tokens = Conversation::of(request).token_count();
    let usage = Usage::new(
        prompt_tokens,
        // A call that is withheld was written, and is billed.
        written,
        answer.reasoning_tokens(),
        route.prices(prompt_tokens),
    );
    let uses_container = request["tools"]
        .as_array()
        .is_some_and(|tools| tools.iter().any(|tool| tool["type"] == "openrouter:bash"));
    let usage = if uses_container { usage.with_container() } else { usage };

    let echo = request["debug"]["echo_upstream_body"] == true;
    let opted_in = ["x-openrouter-metadata", "x-openrouter-experimental-metadata"].iter().any(|name| {
        headers.get(*name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"enabled"))
    });
    let slow = route.failure.is_some_and(|failure| failure.name() == "slow");
    Completion {
        id,
        created,
        model: route.model.clone(),
        provider: route.provider.to_owned(),
        author: route.author.to_owned(),
        fingerprint: route.fingerprint(),
        service_tier: service_tier(request, route),
        metadata: opted_in.then(|| route.metadata(attempt, written)),
        echo: echo.then(|| json!({"model": route.model, "messages": request["messages"]})),
        user_id: key.user_id(),
        answer,
        safeguard_results,
        alignment,
        usage,
        logprobs: Logprobs::wanted(request, &rng),
        failure: route.failure,
        token_delay: if slow { failures::SLOW_TOKEN_DELAY } else { state.settings.token_delay },
        slow_first_token: state.settings.slow_first_token,
        rng,
    }
}

/// The service tier: the requested one, `default`, or null from providers without tiers.
fn service_tier(request: &Value, route: &Route<'_>) -> Value {
    match (request["service_tier"].as_str(), route.author) {
        (Some("fast" | "priority"), _) => "priority".into(),
        (Some("flex"), _) => "flex".into(),
        // An ultrafast endpoint, or else the nearest one.
        (Some("ultrafast"), "openai") => "ultrafast".into(),
        (Some("ultrafast"), _) => "priority".into(),
        (_, "openai" | "google") => "default".into(),
        _ => Value::Null,
    }
}

fn send(state: &AppState, completion: &Completion, streamed: bool) -> Response<Body> {
    // The service sends an error with status 200 as JSON even where the client asked for a stream.
    let as_events = streamed && completion.failure_name() != "error-200";
    let (content_type, steps, open) = match as_events {
        true => (
            "text/event-stream",
            event_stream::script(completion),
            Some(OpenStreamGuard::count(&state.open_streams)),
        ),
        false => ("application/json", json_body::script(completion), None),
    };
    let mut response = respond(StatusCode::OK, content_type, ScriptedBody::new(steps, open).into_body());
    insert_header(&mut response, GENERATION_ID, &completion.id);
    response
}
