//! `POST /w/{workspace}/v1/chat/completions`.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use provider_core::{ChatResponse, FieldProblem};

use super::relay::{Relay, falsely_finished};
use super::{encode, request};
use crate::access::Bearer;
use crate::api::extract::{cut_short, lone_surrogate};
use crate::call::NewCall;
use crate::error::{ApiError, Result, with_request_id};
use crate::openapi::bodies;
use crate::state::App;

/// Answers a request of chat completions, streamed or whole.
#[utoipa::path(post, path = "/w/{workspace}/v1/chat/completions", operation_id = "create_chat_completion",
    request_body = bodies::CompletionRequest,
    responses((status = 200, description = "A completion, or its chunks with `stream`.",
        content((bodies::Completion = "application/json"), (String = "text/event-stream"))),
        (status = "default", description = "An error in OpenAI's shape.", body = bodies::OpenAiError)))]
pub(crate) async fn complete(
    State(app): State<App>,
    bearer: Bearer,
    body: std::result::Result<Bytes, BytesRejection>,
) -> Response {
    // Boxed, so that the layers around it move a pointer and not the whole call.
    Box::pin(answer(&app, &bearer, body)).await.unwrap_or_else(ApiError::into_openai_response)
}

async fn answer(
    app: &App,
    bearer: &Bearer,
    body: std::result::Result<Bytes, BytesRejection>,
) -> Result<Response> {
    let body = body.map_err(|refused| cut_short(refused.status(), app))?;
    let json = std::str::from_utf8(&body).map_err(|_| {
        let problem = FieldProblem::new("body", "is no UTF-8, which JSON is");
        provider_core::Error::invalid_request(vec![problem])
    })?;
    if let Some(problem) = lone_surrogate(&body) {
        return Err(provider_core::Error::invalid_request(vec![problem]).into());
    }
    let head = request::Head::read(json)?;
    let connected = app.connections.workspace(&bearer.token().workspace).await?;
    let model = connected.model(&head.model).await.map_err(|error| ApiError::of_model(error, "model"))?;
    let asked = request::read(json, &model, &app.registry)?;
    connected.check_reach(&model, &asked.request)?;
    let call = NewCall {
        token: bearer.token(),
        model: &model,
        request: &asked.request,
        provider: None,
        node: None,
        user: asked.request.user.as_deref(),
        conversation: None,
        keeps_content: false,
    };
    if asked.stream {
        let running = call.stream(app).await?;
        let run = running.run.clone();
        let response = Relay::new(running, head.include_usage()).respond().await?;
        return Ok(with_request_id(response, &run));
    }
    let (response, run) = call.chat(app).await?;
    if let Some(error) = falsely_finished(&response) {
        return Err(ApiError::from(error).of_request(&run));
    }
    let body = relayed(&response).unwrap_or_else(|| encode::whole(&response, &run));
    let json = HeaderValue::from_static("application/json");
    Ok(with_request_id(([(header::CONTENT_TYPE, json)], body).into_response(), &run))
}

/// The answer as the provider sent it, if that is one whole answer of chat completions.
fn relayed(response: &ChatResponse) -> Option<Bytes> {
    match response.raw.as_slice() {
        [raw] if response.seams.is_empty() => {
            let is_whole = raw.get().contains("\"choices\"") && raw.get().contains("\"message\"");
            is_whole.then(|| Bytes::copy_from_slice(raw.get().as_bytes()))
        }
        _ => None,
    }
}
