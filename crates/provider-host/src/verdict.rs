//! Whether an answer is what was asked for: whole, not refused, and JSON that fits where JSON was wanted.

use jsonschema::Validator;
use provider_core::{ChatRequest, ChatResponse, Error, ErrorKind, FieldProblem, ResponseFormat};
use serde_json::Value;

use crate::exit::Failure;
use crate::output::text;

/// How many misfits of an answer are told.
const MOST_MISFITS: usize = 5;
/// How much of a text is quoted, in columns.
const QUOTED: usize = 200;

/// The form that an answer must have.
#[derive(Debug)]
pub(crate) enum Form {
    Any,
    Json(Box<Validator>),
    JsonObject,
}

impl Form {
    /// The form that a request asks for.
    ///
    /// # Errors
    /// When the schema is none, which is better known before anything is paid for.
    pub(crate) fn of(request: &ChatRequest) -> Result<Self, Failure> {
        match &request.response_format {
            Some(ResponseFormat::JsonObject) => Ok(Form::JsonObject),
            Some(ResponseFormat::JsonSchema(format)) => {
                let schema = format.schema.as_ref().map_or("true", |schema| schema.get());
                let unfit = |problem: String| Failure::Usage(format!("--json-schema: {problem}"));
                let schema: Value =
                    serde_json::from_str(schema).map_err(|error| unfit(format!("is no JSON: {error}")))?;
                let validator = jsonschema::validator_for(&schema);
                let no_schema = |error: jsonschema::ValidationError<'_>| {
                    let problem = text::cut(&error.to_string(), QUOTED).into_owned();
                    unfit(format!("is no JSON Schema: {problem} (at {:?})", error.instance_path().as_str()))
                };
                Ok(Form::Json(Box::new(validator.map_err(no_schema)?)))
            }
            _ => Ok(Form::Any),
        }
    }

    /// Why an answer is not what was asked for; `None` if it is.
    pub(crate) fn problem(&self, response: &ChatResponse) -> Option<Error> {
        let error = refused(response).or_else(|| cut_off(response)).or_else(|| self.misfit(response))?;
        let error = match &response.id {
            Some(id) => error.with_generation_id(id),
            None => error,
        };
        Some(error.with_model(&response.requested))
    }

    fn misfit(&self, response: &ChatResponse) -> Option<Error> {
        // A model that calls tools answers once it has their results.
        let calls_tools = response.text().is_empty() && !response.tool_calls().is_empty();
        if matches!(self, Form::Any) || calls_tools {
            return None;
        }
        let misfit = |message: String| Error::new(ErrorKind::InvalidOutput, message);
        let answer: Value = match serde_json::from_str(response.text()) {
            Ok(answer) => answer,
            Err(_) if response.text().trim_start().starts_with("```") => {
                return Some(misfit("the answer is no JSON: it is wrapped in a Markdown fence".to_owned()));
            }
            Err(error) => return Some(misfit(format!("the answer is no JSON: {error}"))),
        };
        match self {
            Form::Any => None,
            Form::JsonObject => {
                (!answer.is_object()).then(|| misfit("the answer is JSON, but no object".to_owned()))
            }
            Form::Json(validator) => {
                let problem = |error: jsonschema::ValidationError<'_>| {
                    let place = match error.instance_path().as_str() {
                        "" => "the whole answer",
                        path => path,
                    };
                    FieldProblem::new(place, text::cut(&text::one_line(&error.to_string()), QUOTED))
                };
                let problems: Vec<FieldProblem> =
                    validator.iter_errors(&answer).take(MOST_MISFITS).map(problem).collect();
                let message = "the answer does not fit the schema".to_owned();
                (!problems.is_empty()).then(|| misfit(message).with_fields(problems))
            }
        }
    }
}

fn refused(response: &ChatResponse) -> Option<Error> {
    let refused = |message: String| Error::new(ErrorKind::ContentPolicy, message);
    let words = response.message.refusal.as_deref().filter(|words| !words.trim().is_empty());
    if let Some(words) = words {
        return Some(refused(format!("the model refused: {}", text::one_line(words))));
    }
    response.is_filtered().then(|| refused("a content filter stopped the answer".to_owned()))
}

fn cut_off(response: &ChatResponse) -> Option<Error> {
    let cut_off = || {
        Error::new(ErrorKind::Truncated, "a token limit cut the answer off")
            .with_next_step("raise `max_tokens`, or ask for less")
    };
    response.is_truncated().then(cut_off)
}
