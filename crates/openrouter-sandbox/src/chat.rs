//! `POST /chat/completions`: from a request to a script of what to send.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::auth::Key;
use crate::catalogue::DEFAULT_MODEL;
use crate::conversation::Conversation;
use crate::dice::Dice;
use crate::errors::{ApiError, GENERATION_ID, insert_header, respond};
use crate::exchange::Exchange;
use crate::failures::{Failure, no_credits};
use crate::generation::Generation;
use crate::logprobs::Logprobs;
use crate::playback::{OpenStream, Playback};
use crate::response_cache::{CacheKey, CacheWish, Hit};
use crate::served::Served;
use crate::state::State;
use crate::usage::Usage;
use crate::{completion, failures, reasoning, reply, stream, validate};

pub(crate) async fn create(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response<Body>, ApiError> {
    let key = Key::check(&headers)?;
    let user_id = key.user_id();
    answer(&state, &key, &headers, &body).map_err(|error| error.for_user(&user_id))
}

fn answer(state: &State, key: &Key, headers: &HeaderMap, body: &[u8]) -> Result<Response<Body>, ApiError> {
    if key.is_management() {
        return Err(ApiError::new(403, "A management key cannot be used for inference"));
    }
    let request = read(headers, body)?;
    validate::chat_request(&request)?;
    if key.is_poor() {
        return Err(no_credits());
    }

    let generation = state.next_generation();
    let cache = CacheWish::of(headers).map(|wish| (CacheKey::new(key.user_id(), body), wish));
    if let Some(hit) = cache.as_ref().and_then(|(key, wish)| state.cached(key, *wish)) {
        return Ok(again(state, hit, headers, &request, generation));
    }
    let id = generation.0.clone();
    let (served, attempt) = first_that_serves(state, &request).map_err(|error| error.for_generation(&id))?;
    let exchange = exchange(state, key, headers, &request, &served, attempt, generation);
    if !exchange.failure.is_some_and(Failure::is_free_of_charge) {
        state.book(Generation::of(&exchange, &request, headers, None), exchange.usage.cost());
    }
    let streamed = request["stream"] == true;
    if exchange.failure_name() == "alignment" && !streamed {
        return Err(exchange.alignment_error().usage(exchange.usage.to_json()).for_generation(&id));
    }
    let mut response = send(state, &exchange, streamed);
    if let Some((key, wish)) = cache {
        insert_header(&mut response, "x-openrouter-cache-status", "MISS");
        insert_header(&mut response, "x-openrouter-cache-ttl", &wish.ttl.as_secs().to_string());
        if exchange.failure.is_none_or(Failure::is_answer) {
            state.keep(key, exchange, wish.ttl);
        }
    }
    Ok(response)
}

/// An answer from the cache.
fn again(
    state: &State,
    hit: Hit,
    headers: &HeaderMap,
    request: &Value,
    (id, created): (String, u64),
) -> Response<Body> {
    let source = hit.exchange.id.clone();
    let exchange = hit.exchange.again(id, created);
    state.book(Generation::of(&exchange, request, headers, Some(&source)), exchange.usage.cost());
    let mut response = send(state, &exchange, request["stream"] == true);
    for (name, value) in [
        ("x-openrouter-cache-status", "HIT".to_owned()),
        ("x-openrouter-cache-age", hit.age.as_secs().to_string()),
        ("x-openrouter-cache-ttl", hit.left.as_secs().to_string()),
        ("x-openrouter-cache-source-id", source),
    ] {
        insert_header(&mut response, name, &value);
    }
    response
}

fn read(headers: &HeaderMap, body: &[u8]) -> Result<Value, ApiError> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::bad_request("The content type must be application/json"));
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request(format!("The body is not JSON: {error}")))
}

/// Tries `model`, then each of `models`. The first that does not fail before its first token answers;
/// the number tells which attempt it was. If all fail, the last error counts.
fn first_that_serves<'a>(state: &'a State, request: &'a Value) -> Result<(Served<'a>, usize), ApiError> {
    let fallbacks = request["models"].as_array().into_iter().flatten();
    let mut candidates: Vec<&str> =
        request["model"].as_str().into_iter().chain(fallbacks.filter_map(Value::as_str)).collect();
    if candidates.is_empty() {
        candidates.push(DEFAULT_MODEL);
    }
    let flagged = Conversation::of(request).user_text();
    let mut last_error = ApiError::bad_request("No model");
    for (index, asked) in candidates.into_iter().enumerate() {
        match serve(state, asked, request, &flagged) {
            Ok(served) => return Ok((served, index + 1)),
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

fn serve<'a>(
    state: &'a State,
    asked: &'a str,
    request: &Value,
    flagged: &str,
) -> Result<Served<'a>, ApiError> {
    let served = Served::find(&state.catalogue, asked, request)?;
    let Some(failure) = served.failure else { return Ok(served) };
    if failure.name() == "flaky" && state.flaky_works() {
        return Ok(served);
    }
    failure.early(flagged).map_or(Ok(served), Err)
}

fn exchange(
    state: &State,
    key: &Key,
    headers: &HeaderMap,
    request: &Value,
    served: &Served<'_>,
    attempt: usize,
    (id, created): (String, u64),
) -> Exchange {
    // Streamed or not, the same request gets the same words.
    let mut subject = request.clone();
    subject.as_object_mut().map(|fields| fields.remove("stream"));
    let mut dice = Dice::new(state.settings.seed, &subject.to_string());

    let wish = reasoning::wish(request, served.thinks);
    let answer = reply::compose(request, served, wish, &mut dice);
    let prompt_tokens = Conversation::of(request).tokens();
    let usage =
        Usage::new(prompt_tokens, answer.tokens(), answer.reasoning_tokens(), served.prices(prompt_tokens));

    let echo = request["debug"]["echo_upstream_body"] == true;
    let opted_in = ["x-openrouter-metadata", "x-openrouter-experimental-metadata"].iter().any(|name| {
        headers.get(*name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"enabled"))
    });
    let slow = served.failure.is_some_and(|failure| failure.name() == "slow");
    Exchange {
        id,
        created,
        model: served.model.clone(),
        provider: served.provider.to_owned(),
        author: served.author.to_owned(),
        fingerprint: served.fingerprint(),
        service_tier: service_tier(request, served),
        metadata: opted_in.then(|| served.metadata(attempt)),
        echo: echo.then(|| json!({"model": served.model, "messages": request["messages"]})),
        user_id: key.user_id(),
        answer,
        usage,
        logprobs: Logprobs::wanted(request, &dice),
        failure: served.failure,
        token_delay: if slow { failures::SLOW_TOKEN } else { state.settings.token_delay },
        slow_first_token: state.settings.slow_first_token,
        dice,
    }
}

/// The tier that served: the one asked for, `default`, or null from providers without tiers.
fn service_tier(request: &Value, served: &Served<'_>) -> Value {
    match (request["service_tier"].as_str(), served.author) {
        (Some("fast" | "priority"), _) => "priority".into(),
        (Some("flex"), _) => "flex".into(),
        (_, "openai" | "google") => "default".into(),
        _ => Value::Null,
    }
}

fn send(state: &State, exchange: &Exchange, streamed: bool) -> Response<Body> {
    // An error in a body with status 200 is JSON even where a stream was expected.
    let as_events = streamed && exchange.failure_name() != "error-200";
    let (content_type, steps, open) = match as_events {
        true => ("text/event-stream", stream::script(exchange), Some(OpenStream::count(&state.open_streams))),
        false => ("application/json", completion::script(exchange), None),
    };
    let mut response = respond(StatusCode::OK, content_type, Playback::new(steps, open).into_body());
    insert_header(&mut response, GENERATION_ID, &exchange.id);
    response
}
