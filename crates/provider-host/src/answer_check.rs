//! Checks a complete answer: not cut off, not refused, and of the requested JSON form.

use jsonschema::Validator;
use provider_core::{ChatRequest, ChatResponse, Error, ErrorKind, FieldProblem, ResponseFormat};
use serde_json::Value;

use crate::exit::Failure;
use crate::output::text;

/// The most violations of a schema that an error lists.
const MAX_MISFITS: usize = 5;
/// The most columns of a quoted text.
const MAX_QUOTED_COLUMNS: usize = 200;

/// The requested form of an answer.
#[derive(Debug)]
pub(crate) enum AnswerForm {
    Any,
    Json(Box<Validator>),
    JsonObject,
}

impl AnswerForm {
    /// Reads the form from a request.
    ///
    /// # Errors
    /// When the schema is invalid, so that no request is billed for it.
    pub(crate) fn of(request: &ChatRequest) -> Result<Self, Failure> {
        match &request.response_format {
            Some(ResponseFormat::JsonObject) => Ok(AnswerForm::JsonObject),
            Some(ResponseFormat::JsonSchema(format)) => {
                let schema = format.schema.as_ref().map_or("true", |schema| schema.get());
                let unfit = |problem: String| Failure::Usage(format!("--json-schema: {problem}"));
                let schema: Value =
                    serde_json::from_str(schema).map_err(|error| unfit(format!("is no JSON: {error}")))?;
                let validator = jsonschema::validator_for(&schema);
                let no_schema = |error: jsonschema::ValidationError<'_>| {
                    let problem = text::cut(&error.to_string(), MAX_QUOTED_COLUMNS).into_owned();
                    unfit(format!("is no JSON Schema: {problem} (at {:?})", error.instance_path().as_str()))
                };
                Ok(AnswerForm::Json(Box::new(validator.map_err(no_schema)?)))
            }
            _ => Ok(AnswerForm::Any),
        }
    }

    /// The error of an answer that is not of this form; `None` if it is.
    pub(crate) fn problem(&self, response: &ChatResponse) -> Option<Error> {
        let error = refused(response).or_else(|| cut_off(response)).or_else(|| self.misfit(response))?;
        let error = match &response.id {
            Some(id) => error.with_generation_id(id),
            None => error,
        };
        Some(error.with_model(&response.requested))
    }

    fn misfit(&self, response: &ChatResponse) -> Option<Error> {
        // An answer with tool calls is not the final one.
        let calls_tools = response.text().is_empty() && !response.tool_calls().is_empty();
        if matches!(self, AnswerForm::Any) || calls_tools {
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
            AnswerForm::Any => None,
            AnswerForm::JsonObject => {
                (!answer.is_object()).then(|| misfit("the answer is JSON, but no object".to_owned()))
            }
            AnswerForm::Json(validator) => {
                let problem = |error: jsonschema::ValidationError<'_>| {
                    let place = match error.instance_path().as_str() {
                        "" => "the whole answer",
                        path => path,
                    };
                    FieldProblem::new(
                        place,
                        text::cut(&text::one_line(&error.to_string()), MAX_QUOTED_COLUMNS),
                    )
                };
                let problems: Vec<FieldProblem> =
                    validator.iter_errors(&answer).take(MAX_MISFITS).map(problem).collect();
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
