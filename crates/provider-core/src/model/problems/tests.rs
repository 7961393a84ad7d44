use super::*;
use crate::model::{ReasoningOptions, RequestLimits};
use crate::{FunctionTool, ProviderJson, RawJson};

fn model(parameters: &[&str]) -> Model {
    let supported_parameters = parameters.iter().map(|&parameter| parameter.into()).collect();
    Model { id: "a/b".to_owned(), supported_parameters, ..Model::default() }
}

fn request() -> ChatRequest {
    ChatRequest::new("a/b").user("Hi")
}

/// JSON of a provider.
fn other(json: &str) -> ProviderJson {
    ProviderJson::new("openrouter", RawJson::from_checked(json))
}

/// The fields that a model has problems with.
#[track_caller]
fn fields(model: &Model, request: &ChatRequest) -> String {
    let problems = model.problems(request);
    for problem in &problems {
        assert!(problem.problem.starts_with("a/b ") && problem.problem.len() > 20, "{problem:?}");
    }
    problems.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn parameters_that_are_not_listed_are_named() {
    let tools = request().tool(FunctionTool::new("f", "A function"));
    let served = request().tool(Tool::Other(other(r#"{"type":"openrouter:web_search"}"#)));
    let schema = request().response_format(ResponseFormat::json_schema("s", serde_json::json!({})));
    let object = request().response_format(ResponseFormat::JsonObject);
    let text = request().response_format(ResponseFormat::Text);
    for (parameters, request, wanted) in [
        (&["seed"][..], &tools, "tools"),
        (&["tools"], &tools, ""),
        (&["seed"], &served, ""),
        (&["response_format"], &schema, "response_format"),
        (&["structured_outputs"], &schema, ""),
        (&["seed"], &object, "response_format"),
        (&["structured_outputs"], &object, ""),
        (&["response_format"], &object, ""),
        (&["seed"], &text, ""),
    ] {
        assert_eq!(fields(&model(parameters), request), wanted, "{parameters:?}");
        assert_eq!(fields(&model(&[]), request), "", "a catalogue without a list says nothing");
    }
}

#[test]
fn reasoning_is_held_against_the_models_options() {
    let options = |mandatory, efforts: Option<&[&str]>| {
        let supported_efforts = efforts.map(|words| words.iter().map(|&word| Effort::from(word)).collect());
        Some(ReasoningOptions { mandatory, supported_efforts, ..ReasoningOptions::default() })
    };
    let efforts: Option<&[&str]> = Some(&["high", "low", "ultra"]);
    for (options, reasoning, wanted) in [
        (None, Reasoning::effort("high"), "reasoning"),
        (None, Reasoning::enabled(true), "reasoning"),
        (None, Reasoning::effort("none"), ""),
        (None, Reasoning::enabled(false), ""),
        (options(true, None), Reasoning::effort("none"), "reasoning.effort"),
        (options(true, None), Reasoning::enabled(false), "reasoning.enabled"),
        (options(true, None), Reasoning::effort("max"), ""),
        (options(false, efforts), Reasoning::effort("none"), ""),
        (options(false, efforts), Reasoning::effort("low"), ""),
        (options(false, efforts), Reasoning::effort("ultra"), ""),
        (options(false, efforts), Reasoning::effort("medium"), "reasoning.effort"),
        (options(false, Some(&[])), Reasoning::effort("medium"), "reasoning.effort"),
        (options(false, efforts), Reasoning::max_tokens(2_000), ""),
    ] {
        let mut model = model(&["seed"]);
        model.reasoning = options;
        assert_eq!(fields(&model, &request().reasoning(reasoning.clone())), wanted, "{reasoning:?}");
    }
    assert_eq!(fields(&model(&["reasoning"]), &request().reasoning(Reasoning::effort("high"))), "");
    assert_eq!(fields(&model(&[]), &request().reasoning(Reasoning::effort("high"))), "");
}

#[test]
fn answers_cannot_be_longer_than_the_model_makes_them() {
    let mut model = model(&[]);
    assert_eq!(fields(&model, &request().max_tokens(u32::MAX)), "");
    model.context_length = Some(1_000);
    assert_eq!(fields(&model, &request().max_tokens(1_000)), "");
    assert_eq!(fields(&model, &request().max_completion_tokens(1_001)), "max_completion_tokens");
    model.max_completion_tokens = Some(100);
    assert_eq!(fields(&model, &request().max_tokens(101)), "max_tokens");
    model.per_request_limits = Some(RequestLimits { prompt_tokens: None, completion_tokens: Some(10) });
    let problems = model.problems(&request().max_tokens(100));
    assert!(problems[0].problem.contains("10 tokens"), "{problems:?}");
}

#[test]
fn parts_need_their_modality() {
    let part = |kind: &str| Part::Other(other(&format!(r#"{{"type":"{kind}"}}"#)));
    let parts = ["image_url", "input_audio", "file", "video_url", "input_video", "new_thing"];
    let mut parts: Vec<Part> = parts.into_iter().map(part).collect();
    parts.insert(0, Part::text("Look"));
    parts.push(Part::Other(other("7")));
    parts.push(Part::image_url("https://example.com/a.png"));
    parts.push(Part::video_url("https://example.com/a.mp4"));
    parts.push(Part::file_id("file-1"));
    let request = request().user(parts);
    let mut model = model(&[]);
    assert_eq!(fields(&model, &request), "", "a catalogue without a list says nothing");
    model.input_modalities = ["text", "image"].map(Into::into).into();
    let wanted =
        "messages[1].content[2] messages[1].content[4] messages[1].content[5] messages[1].content[9]";
    assert_eq!(fields(&model, &request), wanted);
}

#[test]
fn output_modalities_must_be_the_models() {
    let mut model = model(&[]);
    let wanted = request().modalities(["text", "image"]);
    assert_eq!(fields(&model, &wanted), "", "a catalogue without a list says nothing");
    model.output_modalities = vec!["text".into()];
    assert_eq!(fields(&model, &wanted), "modalities");
    assert_eq!(fields(&model, &request()), "");
    model.output_modalities.push("image".into());
    assert_eq!(fields(&model, &wanted), "");
}

#[test]
fn models_for_batches_cannot_be_chatted_with() {
    let mut model = model(&[]);
    model.batch_only = true;
    assert_eq!(fields(&model, &request()), "model");
    assert!(!model.is_selectable());
}
