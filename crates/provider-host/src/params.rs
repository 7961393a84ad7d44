//! The parameters of a request as flags, for every command that asks a model.
//!
//! Without its flag, a parameter is left out. Values go to the service unchanged, since it knows what each
//! model accepts.

mod attachments;
mod files;
mod routing;

use std::path::{Path, PathBuf};

use clap::{Args, Command, FromArgMatches as _};
use openrouter_provider::OpenRouterOptions;
use provider_core::{ChatRequest, Reasoning, ResponseFormat, ToolChoice};
use serde_json::Value;

use self::attachments::Attachments;
use self::routing::Routing;
use crate::exit::Failure;
use crate::value_parsers::{at_least, between, number, pair};

/// Fills fields that are not given from variables of the same names.
macro_rules! fill {
    ($target:ident: $($field:ident)*) => {
        $(if $crate::params::Absent::is_absent(&$target.$field) {
            $target.$field = $field;
        })*
    };
}
pub(crate) use fill;

/// A parameter that may not be given.
pub(crate) trait Absent {
    fn is_absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Absent for bool {
    fn is_absent(&self) -> bool {
        !self
    }
}

/// The parameters of a request.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Request parameters (left out unless given)")]
pub(crate) struct Params {
    /// Instructions that stand above the prompt
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,

    /// Randomness, 0 to 2
    #[arg(long, value_name = "X", value_parser = number(0.0, 2.0), allow_negative_numbers = true)]
    temperature: Option<f64>,

    /// Pick from the likeliest tokens that make up this share, 0 to 1
    #[arg(long, value_name = "X", value_parser = number(0.0, 1.0), allow_negative_numbers = true)]
    top_p: Option<f64>,

    /// Pick from so many likeliest tokens; 0 is off
    #[arg(long, value_name = "N", value_parser = at_least::<u32>(0), allow_negative_numbers = true)]
    top_k: Option<u32>,

    /// Drop tokens below this share of the likeliest one's squared probability, 0 to 1
    #[arg(long, value_name = "X", value_parser = number(0.0, 1.0), allow_negative_numbers = true)]
    top_a: Option<f64>,

    /// Drop tokens below this share of the likeliest one's probability, 0 to 1
    #[arg(long, value_name = "X", value_parser = number(0.0, 1.0), allow_negative_numbers = true)]
    min_p: Option<f64>,

    /// Penalty that grows with how often a token came already, -2 to 2
    #[arg(long, value_name = "X", value_parser = number(-2.0, 2.0), allow_negative_numbers = true)]
    frequency_penalty: Option<f64>,

    /// Penalty for tokens that came already, -2 to 2
    #[arg(long, value_name = "X", value_parser = number(-2.0, 2.0), allow_negative_numbers = true)]
    presence_penalty: Option<f64>,

    /// Multiplicative penalty for repetition, 0 to 2; 1 is neutral
    #[arg(long, value_name = "X", value_parser = number(0.0, 2.0), allow_negative_numbers = true)]
    repetition_penalty: Option<f64>,

    /// Seed for sampling, where the model takes one
    #[arg(
        long, value_name = "N",
        value_parser = between::<i64>(i64::MIN.into(), i64::MAX.into()), allow_negative_numbers = true
    )]
    seed: Option<i64>,

    /// A text that ends the answer; repeatable
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    stop: Vec<String>,

    /// The most tokens to generate
    #[arg(long, value_name = "N", value_parser = at_least::<u32>(1), allow_negative_numbers = true)]
    max_tokens: Option<u32>,

    /// The same under its newer name, for models that take only that one
    #[arg(
        long, conflicts_with = "max_tokens", value_name = "N",
        value_parser = at_least::<u32>(1), allow_negative_numbers = true
    )]
    max_completion_tokens: Option<u32>,

    /// How hard to think: none, minimal, low, medium, high, xhigh, max
    #[arg(long, value_name = "EFFORT", conflicts_with = "reasoning_tokens")]
    reasoning: Option<String>,

    /// The most tokens to think with
    #[arg(long, value_name = "N", value_parser = at_least::<u32>(1), allow_negative_numbers = true)]
    reasoning_tokens: Option<u32>,

    /// How long-winded to be: low, medium, high
    #[arg(long, value_name = "WORD")]
    verbosity: Option<String>,

    /// Your id for the end user, for abuse detection
    #[arg(long, value_name = "ID")]
    user: Option<String>,

    /// The tier to be served by: auto, default, flex, priority
    #[arg(long, value_name = "TIER")]
    service_tier: Option<String>,

    /// The output to ask for: text, image, audio; repeatable
    #[arg(long, alias = "modality", value_name = "MODALITY")]
    output_modality: Vec<String>,

    /// Tools from a JSON file: a list as the chat API takes it, the service's own tools included
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,

    /// Whether tools must be called: auto, none, required, or the name of one
    #[arg(long, value_name = "CHOICE")]
    tool_choice: Option<String>,

    /// A parameter without a flag of its own, such as plugins='[{"id":"web"}]', for every provider that is
    /// asked; repeatable
    #[arg(long, value_name = "NAME=JSON", value_parser = extra)]
    extra: Vec<(String, Value)>,

    /// Ask for the log probability of every token (see them with --json)
    #[arg(long)]
    logprobs: bool,

    /// Ask for so many alternatives of every token, 0 to 20; needs --logprobs
    #[arg(
        long, value_name = "N", requires = "logprobs",
        value_parser = between::<u8>(0, 20), allow_negative_numbers = true
    )]
    top_logprobs: Option<u8>,

    /// Ask for a JSON object; say so in the prompt as well
    #[arg(long, conflicts_with = "json_schema")]
    json_object: bool,

    /// Ask for JSON that fits the JSON Schema in this file
    #[arg(long, visible_alias = "schema", value_name = "FILE")]
    json_schema: Option<PathBuf>,

    /// A label to find the request by later; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,

    #[command(flatten)]
    attachments: Attachments,

    #[command(flatten)]
    routing: Routing,
}

impl Params {
    /// The names of all parameters: their flags with `_` for `-`.
    pub(crate) fn names() -> Vec<String> {
        let command = Self::augment_args(Command::new("parameters"));
        command.get_arguments().map(|argument| argument.get_id().to_string()).collect()
    }

    /// Reads parameters from their flags.
    ///
    /// # Errors
    /// A text that says what is wrong with the first wrong one.
    pub(crate) fn of_lines(lines: &[String]) -> Result<Self, String> {
        let told = |error: clap::Error| {
            let text = error.to_string();
            text.trim_start_matches("error: ").lines().next().unwrap_or_default().to_owned()
        };
        let command = Self::augment_args(Command::new("parameters").no_binary_name(true));
        let matches = command.try_get_matches_from(lines).map_err(told)?;
        Self::from_arg_matches(&matches).map_err(told)
    }

    /// Fills what is not given with what `others` have. Of two parameters that exclude each other, the given
    /// one counts.
    pub(crate) fn fill(&mut self, others: Self) {
        // Without `..`, so that no parameter is forgotten.
        let Self {
            system,
            temperature,
            top_p,
            top_k,
            top_a,
            min_p,
            frequency_penalty,
            presence_penalty,
            repetition_penalty,
            seed,
            stop,
            max_tokens,
            max_completion_tokens,
            reasoning,
            reasoning_tokens,
            verbosity,
            user,
            service_tier,
            output_modality,
            tools,
            tool_choice,
            extra,
            logprobs,
            top_logprobs,
            json_object,
            json_schema,
            metadata,
            attachments,
            routing,
        } = others;
        if self.max_tokens.is_none() && self.max_completion_tokens.is_none() {
            (self.max_tokens, self.max_completion_tokens) = (max_tokens, max_completion_tokens);
        }
        if self.reasoning.is_none() && self.reasoning_tokens.is_none() {
            (self.reasoning, self.reasoning_tokens) = (reasoning, reasoning_tokens);
        }
        if !self.json_object && self.json_schema.is_none() {
            (self.json_object, self.json_schema) = (json_object, json_schema);
        }
        fill!(self: system temperature top_p top_k top_a min_p frequency_penalty presence_penalty
            repetition_penalty seed stop verbosity user service_tier output_modality tools tool_choice extra
            logprobs top_logprobs metadata);
        self.attachments.fill(attachments);
        self.routing.fill(routing);
    }

    /// The instructions above the prompt.
    pub(crate) fn system(&self) -> Option<&str> {
        self.system.as_deref()
    }

    /// Sets the instructions above the prompt; `None`: there are none.
    pub(crate) fn set_system(&mut self, text: Option<String>) {
        self.system = text;
    }

    /// Attaches a file or a URL, as what its name says it is.
    ///
    /// # Errors
    /// When it cannot be read, or is of a type that cannot be sent.
    pub(crate) fn attach(&mut self, file: &str) -> Result<(), Failure> {
        self.attachments.attach(file)
    }

    /// Takes all attachments off.
    pub(crate) fn clear_attachments(&mut self) {
        self.attachments = Attachments::default();
    }

    /// The file of the tools that are offered.
    pub(crate) fn tools(&self) -> Option<&Path> {
        self.tools.as_deref()
    }

    /// Sets the file of the tools that are offered.
    pub(crate) fn set_tools(&mut self, file: Option<PathBuf>) {
        self.tools = file;
    }

    /// A request with these parameters, without a model and what depends on its provider: see
    /// [`complete`](Self::complete).
    ///
    /// # Errors
    /// When the file of the schema or of the tools cannot be read.
    pub(crate) fn request(&self, prompt: &str) -> Result<ChatRequest, Failure> {
        let mut request = ChatRequest::default();
        if let Some(system) = &self.system {
            request = request.system(system.as_str());
        }
        request = request
            .user(self.attachments.content(prompt)?)
            .stop(&self.stop)
            .modalities(&self.output_modality);
        request.temperature = self.temperature;
        request.top_p = self.top_p;
        request.top_k = self.top_k;
        request.top_a = self.top_a;
        request.min_p = self.min_p;
        request.frequency_penalty = self.frequency_penalty;
        request.presence_penalty = self.presence_penalty;
        request.repetition_penalty = self.repetition_penalty;
        request.seed = self.seed;
        request.max_tokens = self.max_tokens;
        request.max_completion_tokens = self.max_completion_tokens;
        request.reasoning = self.reasoning();
        request.verbosity = self.verbosity.clone();
        request.user = self.user.clone();
        request.service_tier = self.service_tier.clone();
        request.tool_choice = self.tool_choice.as_deref().map(tool_choice);
        request.logprobs = self.logprobs.then_some(true);
        request.top_logprobs = self.top_logprobs;
        request.response_format = self.response_format()?;
        request.metadata = self.metadata.iter().cloned().collect();
        let mut options = self.routing.add_to(OpenRouterOptions::new());
        if let Some(file) = &self.tools {
            files::tools(file, &mut request, &mut options)?;
        }
        if options != OpenRouterOptions::new() {
            request = request.options(options);
        }
        Ok(request)
    }

    /// Adds to the request what depends on the providers that are asked: `--extra` goes to each of them.
    ///
    /// # Errors
    /// When there is an option of OpenRouter, which no other provider would see, and OpenRouter is not among
    /// them.
    pub(crate) fn complete(&self, request: &mut ChatRequest, providers: &[&str]) -> Result<(), String> {
        if !self.extra.is_empty() {
            for provider in providers {
                request.extra.insert((*provider).to_owned(), self.extra.iter().cloned().collect());
            }
        }
        if providers.is_empty() || providers.contains(&openrouter_provider::ID) {
            return Ok(());
        }
        if let Some(flag) = self.routing.first_given() {
            return Err(format!("{flag} is an option of OpenRouter"));
        }
        let options = request.options.get::<OpenRouterOptions>();
        match options.is_some_and(|options| options.server_tools.is_some()) {
            true => Err("--tools has tools that OpenRouter runs itself".to_owned()),
            false => Ok(()),
        }
    }

    /// Puts the models that short names mean in their places.
    pub(crate) fn expand_fallbacks(&mut self, expand: impl Fn(&str) -> String) {
        self.routing.expand_fallbacks(expand);
    }

    /// The fallback models, as they were given.
    pub(crate) fn fallbacks(&self) -> &[String] {
        self.routing.fallbacks()
    }

    /// Whether a free model may fall back to one that is billed.
    pub(crate) fn allows_paid_fallback(&self) -> bool {
        self.routing.allows_paid_fallback()
    }

    /// Adds fallback models for OpenRouter to try itself.
    pub(crate) fn add_fallbacks<'a>(&self, request: &mut ChatRequest, ids: impl Iterator<Item = &'a str>) {
        let ids: Vec<String> = ids.map(str::to_owned).collect();
        if !ids.is_empty() {
            let options = request.options.remove::<OpenRouterOptions>().unwrap_or_default();
            request.options.set(options.models(ids));
        }
    }

    fn reasoning(&self) -> Option<Reasoning> {
        let effort = self.reasoning.as_deref().map(Reasoning::effort);
        effort.or_else(|| self.reasoning_tokens.map(Reasoning::max_tokens))
    }

    fn response_format(&self) -> Result<Option<ResponseFormat>, Failure> {
        match &self.json_schema {
            Some(file) => files::schema(file).map(Some),
            None => Ok(self.json_object.then_some(ResponseFormat::JsonObject)),
        }
    }
}

fn tool_choice(word: &str) -> ToolChoice {
    match word {
        "auto" => ToolChoice::Auto,
        "none" => ToolChoice::None,
        "required" => ToolChoice::Required,
        name => ToolChoice::Function(name.to_owned()),
    }
}

fn extra(text: &str) -> Result<(String, Value), String> {
    let (name, json) = pair(text).map_err(|_| "write NAME=JSON")?;
    let value = serde_json::from_str(&json).map_err(|error| {
        format!("what follows the = is no JSON ({error}); text needs quotes: {name}='\"...\"'")
    })?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use provider_core::ChatRequest;

    use super::Params;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        params: Params,
    }

    fn request(line: &str) -> ChatRequest {
        let params = Line::try_parse_from(line.split(' ')).unwrap().params;
        let mut request = params.request("hi").unwrap();
        params.complete(&mut request, &["openrouter"]).unwrap();
        request
    }

    #[test]
    fn missing_flags_are_left_out() {
        assert_eq!(request("x"), ChatRequest::default().user("hi"));
    }

    #[test]
    fn zero_and_negative_values_are_sent() {
        let given = request("x --temperature 0 --presence-penalty -1.5 --seed -7 --top-k 0");
        let expected =
            ChatRequest::default().user("hi").temperature(0.0).presence_penalty(-1.5).seed(-7).top_k(0);
        assert_eq!(given, expected);
    }

    #[test]
    fn pairs_split_at_the_first_equals_sign() {
        let given = request(r#"x --metadata a=b=c --extra provider={"order":["x=y"]}"#);
        let expected = ChatRequest::default().user("hi").metadata("a", "b=c").extra(
            "openrouter",
            "provider",
            serde_json::json!({"order": ["x=y"]}),
        );
        assert_eq!(given, expected);
    }

    #[test]
    fn given_parameter_goes_before_a_default() {
        let params = |line: &str| Line::try_parse_from(line.split(' ')).unwrap().params;
        let mut given =
            params("x --temperature 1 --max-completion-tokens 5 --json-object --zdr --image a.png");
        let lines = ["--temperature=0", "--max-tokens=9", "--top-p=0.5", "--json-schema=s.json", "--stop=a"];
        given.fill(Params::of_lines(&lines.map(str::to_owned)).unwrap());
        let expected = "x --temperature 1 --max-completion-tokens 5 --json-object --zdr --image a.png --top-p 0.5 \
                        --stop a";
        assert_eq!(format!("{given:?}"), format!("{:?}", params(expected)));
    }

    #[test]
    fn values_that_json_lacks_are_refused() {
        for line in ["x --temperature NaN", "x --top-p inf", "x --extra a", "x --extra =1", "x --extra a=b"] {
            assert!(Line::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
