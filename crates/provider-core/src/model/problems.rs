//! Finds what of a request a model cannot do, before the request is sent.

use serde_json::Value;

use super::Model;
use crate::{
    ChatRequest, Content, Effort, FieldProblem, Message, Part, Reasoning, ReasoningBudget, ResponseFormat,
    Tool,
};

impl Model {
    /// Returns the fields of this request that the model cannot do, each with the problem and how to mend it.
    ///
    /// Only what the catalogue states counts: a catalogue without a list of parameters or modalities says
    /// nothing. An empty list is no promise, and the service has the last word. The method does not compare
    /// the model's id with the request's, so that it can check a variant (`…:nitro`) against its model.
    ///
    /// ```
    /// use provider_core::{ChatRequest, Model, Tool, FunctionTool};
    ///
    /// let mut model = Model::default();
    /// model.id = "acme/parrot".to_owned();
    /// model.supported_parameters = vec!["max_tokens".into()];
    /// let clock = FunctionTool::new("get_time", "The time");
    /// let request = ChatRequest::new("acme/parrot").user("Hi").tool(clock);
    /// let problems = model.problems(&request);
    /// assert_eq!(problems[0].field, "tools");
    /// ```
    #[must_use]
    pub fn problems(&self, request: &ChatRequest) -> Vec<FieldProblem> {
        let mut problems = Problems { model: self, found: Vec::new() };
        if self.batch_only {
            problems.add("model", "can only be asked in batches; take the id without `:batch`");
        }
        problems.check_parameters(request);
        if let Some(reasoning) = &request.reasoning {
            problems.check_reasoning(reasoning);
        }
        problems.check_length("max_tokens", request.max_tokens);
        problems.check_length("max_completion_tokens", request.max_completion_tokens);
        problems.check_modalities(request);
        problems.check_output(request);
        problems.found
    }
}

struct Problems<'a> {
    model: &'a Model,
    found: Vec<FieldProblem>,
}

impl Problems<'_> {
    fn add(&mut self, field: impl Into<String>, problem: impl AsRef<str>) {
        let problem = format!("{} {}", self.model.id, problem.as_ref());
        self.found.push(FieldProblem::new(field, problem));
    }

    fn check_parameters(&mut self, request: &ChatRequest) {
        if self.model.supported_parameters.is_empty() {
            return;
        }
        let calls_functions = request.tools.iter().any(|tool| matches!(tool, Tool::Function(_)));
        if calls_functions && !self.model.supports_tools() {
            self.add(
                "tools",
                "does not list tool calling; take the tools off, or choose a model that lists `tools`",
            );
        }
        match &request.response_format {
            Some(ResponseFormat::JsonSchema(_)) if !self.model.supports_json_schema() => self.add(
                "response_format",
                "does not list JSON of a schema; ask for a JSON object, or choose a model that lists \
                 `structured_outputs`",
            ),
            Some(ResponseFormat::JsonObject) if !self.model.supports_json() => self.add(
                "response_format",
                "does not list JSON answers; ask for text, or choose a model that lists `response_format`",
            ),
            _ => {}
        }
    }

    fn check_reasoning(&mut self, reasoning: &Reasoning) {
        let effort = match &reasoning.budget {
            Some(ReasoningBudget::Effort(effort)) => Some(effort),
            _ => None,
        };
        let switches_off = effort == Some(&Effort::None) || reasoning.enabled == Some(false);
        let model = self.model;
        let Some(options) = &model.reasoning else {
            if !switches_off && !model.supported_parameters.is_empty() && !model.supports_reasoning() {
                self.add(
                    "reasoning",
                    "does not think; leave reasoning out, or choose a model that lists `reasoning`",
                );
            }
            return;
        };
        if options.mandatory && reasoning.enabled == Some(false) {
            self.add("reasoning.enabled", "always thinks; leave it out, or ask for a low effort");
        }
        if let Some(effort) = effort.filter(|effort| !options.accepts(effort)) {
            match &options.supported_efforts {
                _ if *effort == Effort::None => {
                    self.add("reasoning.effort", "always thinks, and refuses `none`; ask for a low effort");
                }
                Some(supported) if !supported.is_empty() => {
                    let words: Vec<&str> = supported.iter().map(Effort::as_str).collect();
                    let problem = format!("does not list this effort; use one of: {}", words.join(", "));
                    self.add("reasoning.effort", problem);
                }
                _ => self.add("reasoning.effort", "takes no effort; leave it out"),
            }
        }
    }

    fn check_length(&mut self, field: &str, wanted: Option<u32>) {
        let Some(wanted) = wanted.map(u64::from) else { return };
        let per_request = self.model.per_request_limits.and_then(|limits| limits.completion_tokens);
        let limits = [
            (self.model.max_completion_tokens, "answers with at most"),
            (per_request, "allows one request at most"),
            (self.model.context_length, "has room for prompt and answer together of"),
        ];
        // One of them is enough to say what to do.
        let lowest = limits.into_iter().filter_map(|(limit, words)| Some((limit?, words))).min();
        if let Some((limit, words)) = lowest.filter(|(limit, _)| wanted > *limit) {
            self.add(field, format!("{words} {limit} tokens; ask for no more"));
        }
    }

    fn check_modalities(&mut self, request: &ChatRequest) {
        if self.model.input_modalities.is_empty() {
            return;
        }
        for (number, message) in request.messages.iter().enumerate() {
            let content = match message {
                Message::System(message) | Message::Developer(message) | Message::User(message) => {
                    &message.content
                }
                Message::Tool(message) => &message.content,
                Message::Assistant(_) | Message::Other(_) => continue,
            };
            let Content::Parts(parts) = content else { continue };
            for (place, part) in parts.iter().enumerate() {
                // Files are read for models that cannot.
                let needed = modality(part).filter(|modality| *modality != "file");
                let Some(modality) = needed.filter(|modality| !self.model.supports_input(modality)) else {
                    continue;
                };
                let reads = self.model.input_modalities.join(", ");
                let problem = format!(
                    "does not read {modality} (it reads: {reads}); take the part out, or choose another"
                );
                self.add(format!("messages[{number}].content[{place}]"), problem);
            }
        }
    }

    fn check_output(&mut self, request: &ChatRequest) {
        let known = &self.model.output_modalities;
        let mut wanted = request.modalities.iter().filter(|wanted| !self.model.supports_output(wanted));
        if let (Some(modality), false) = (wanted.next(), known.is_empty()) {
            let answers = known.join(", ");
            let problem =
                format!("does not answer with {modality} (it answers with: {answers}); choose another");
            self.add("modalities", problem);
        }
    }
}

/// Returns the modality that a model must read for this part; `None` for text and for unknown parts.
pub(super) fn modality(part: &Part) -> Option<&'static str> {
    match part {
        Part::Text(_) => None,
        Part::Image(_) => Some("image"),
        Part::Audio(_) => Some("audio"),
        Part::File(_) => Some("file"),
        Part::Video(_) => Some("video"),
        Part::Other(other) => modality_of_type(other.json().read::<Value>().ok()?["type"].as_str()?),
    }
}

/// Returns the modality that a model must read for a part of this `type`; `None` for an unknown one.
fn modality_of_type(word: &str) -> Option<&'static str> {
    Some(match word {
        "image_url" => "image",
        "input_audio" => "audio",
        "file" => "file",
        "video_url" | "input_video" => "video",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
