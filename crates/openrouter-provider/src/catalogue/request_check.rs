//! A check of a request against the endpoints that may serve it, and the choices that they are for a form.

use provider_core::{ChatRequest, FieldProblem, Price, ResponseFormat, Tool, ToolChoice};
use serde::Serialize;

use super::{Endpoint, ModelEndpoints, ToolChoiceSupport};
use crate::options::{List, MaxPrice, PriceCap, ProviderPreferences};
use crate::{OpenRouter, OpenRouterOptions, config};

/// A value that a setting of the routing can have for a model, with words to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Choice {
    /// The value: a provider's slug, the tag of one of its endpoints, or a quantization.
    pub value: String,
    /// The words to show.
    pub label: String,
}

impl OpenRouter {
    /// Returns the fields of this request that none of the model's endpoints can do which may serve it: the
    /// request's routing preferences and the workspace's say which. Each has the problem and how to mend it.
    /// The method sends nothing; `endpoints` comes from [`endpoints`](Self::endpoints), and a host may keep
    /// it for some minutes.
    ///
    /// Of the preferences it heeds `only`, `ignore`, `order` without fallbacks, `quantizations`, the prices
    /// in `max_price`, and `require_parameters`. The endpoints do not state who keeps or trains on prompts
    /// (`zdr`, `data_collection`), whose text may train others (`enforce_distillable_text`), or what the
    /// account's privacy settings and guardrails forbid, so the check cannot know that; of `zdr`,
    /// [`zdr_endpoints`](Self::zdr_endpoints) has the list. Speed (`preferred_min_throughput`,
    /// `preferred_max_latency`) and `sort` exclude none.
    ///
    /// Only what the endpoints state counts, and the service has the last word. It leaves out
    /// [what the model cannot do](provider_core::Model::problems) whoever serves it.
    ///
    /// ```no_run
    /// # async fn check(openrouter: openrouter_provider::OpenRouter) -> Result<(), provider_core::Error> {
    /// use provider_core::{ChatRequest, FunctionTool, ToolChoice};
    ///
    /// let clock = FunctionTool::new("get_time", "The time");
    /// let request =
    ///     ChatRequest::new("acme/parrot").user("Hi").tool(clock).tool_choice(ToolChoice::Required);
    /// let endpoints = openrouter.endpoints(&request.model).await?;
    /// for problem in openrouter.endpoint_problems(&endpoints, &request) {
    ///     println!("{}: {}", problem.field, problem.problem);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn endpoint_problems(&self, endpoints: &ModelEndpoints, request: &ChatRequest) -> Vec<FieldProblem> {
        let options = request.options.get::<OpenRouterOptions>();
        let own = options.and_then(|options| options.provider.as_ref());
        let preferences = own.map(|own| own.or(&self.dialect.preferences));
        endpoints.problems(preferences.as_ref().unwrap_or(&self.dialect.preferences), request)
    }
}

impl ModelEndpoints {
    /// Returns the values that a [setting](crate::FIELDS) of the routing can have for this model, for a form
    /// that offers them: the providers and their endpoints for `provider_order`, `provider_only` and
    /// `provider_ignore`, the precisions for `quantizations`. Empty for other settings.
    #[must_use]
    pub fn choices(&self, setting: &str) -> Vec<Choice> {
        match setting {
            config::ORDER | config::ONLY | config::IGNORE => self.providers(),
            config::QUANTIZATIONS => {
                let names = self.endpoints.iter().filter_map(|endpoint| endpoint.quantization.as_deref());
                unique(names.map(|name| (name.to_owned(), name.to_owned())))
            }
            _ => Vec::new(),
        }
    }

    /// The providers, each before its endpoints that have a name of their own.
    fn providers(&self) -> Vec<Choice> {
        let pairs = self.endpoints.iter().filter_map(|endpoint| {
            let tag = endpoint.tag.clone()?;
            let (slug, name) = (slug(&tag).to_owned(), endpoint.provider_name.clone());
            let variant = tag.split_once('/').map(|(_, variant)| format!("{name}, {variant} alone"));
            Some([Some((slug, name)), variant.map(|label| (tag, label))])
        });
        unique(pairs.flatten().flatten())
    }

    fn problems(&self, preferences: &ProviderPreferences, request: &ChatRequest) -> Vec<FieldProblem> {
        let model = &self.id;
        let mut problems = Vec::new();
        let mut add = |field: &str, problem: String| problems.push(FieldProblem::new(field, problem));
        let required = required_parameters(preferences, request);
        let allowed: Vec<&Endpoint> =
            self.endpoints.iter().filter(|endpoint| is_allowed(endpoint, preferences)).collect();
        let serving: Vec<&Endpoint> = allowed
            .iter()
            .copied()
            .filter(|endpoint| required.iter().all(|name| !lacks_parameter(endpoint, name)))
            .collect();
        if self.endpoints.is_empty() {
            add("model", format!("{model} has no endpoint now; choose another"));
            return problems;
        }
        if allowed.is_empty() {
            let alone = FILTERS
                .iter()
                .filter(|(_, allows)| self.endpoints.iter().all(|endpoint| !allows(endpoint, preferences)));
            let alone: Vec<String> = alone.map(|(name, _)| format!("`{name}`")).collect();
            let which = if alone.is_empty() { String::new() } else { format!(" by {}", alone.join(" and ")) };
            let there: Vec<String> = self.providers().into_iter().map(|choice| choice.value).collect();
            let problem = format!("leaves {model} no endpoint{which}; it has: {}", there.join(", "));
            add("options.provider", problem);
            return problems;
        }
        if serving.is_empty() {
            let lacking = required
                .into_iter()
                .filter(|name| allowed.iter().all(|endpoint| lacks_parameter(endpoint, name)));
            let lacking: Vec<&str> = lacking.collect();
            let what = match lacking.as_slice() {
                [] => "all parameters of the request".to_owned(),
                names => names.join(", "),
            };
            let problem = format!(
                "is set, and none of {model}'s endpoints lists {what}; leave them out, or let others serve"
            );
            add("options.provider.require_parameters", problem);
            return problems;
        }
        let others = if serving.len() < self.endpoints.len() {
            "allow other providers, or choose another model"
        } else {
            "choose another model"
        };
        if let Some((word, takes)) = request.tool_choice.as_ref().and_then(support_of) {
            let refuses = |endpoint: &&Endpoint| {
                endpoint.supports_tool_choice.as_ref().is_some_and(|support| takes(support) == Some(false))
            };
            if serving.iter().all(refuses) {
                let problem = format!("{model}'s endpoints take no `{word}`; leave it out, or {others}");
                add("tool_choice", problem);
            }
        }
        let calls_functions = request.tools.iter().any(|tool| matches!(tool, Tool::Function(_)));
        if calls_functions && serving.iter().all(|endpoint| lacks(endpoint, "tools")) {
            add(
                "tools",
                format!("{model}'s endpoints do not list tool calling; take the tools off, or {others}"),
            );
        }
        let wants_schema = matches!(request.response_format, Some(ResponseFormat::JsonSchema(_)));
        if wants_schema && serving.iter().all(|endpoint| lacks(endpoint, "structured_outputs")) {
            let problem = format!(
                "{model}'s endpoints do not list JSON of a schema; ask for a JSON object, or {others}"
            );
            add("response_format", problem);
        }
        let longest = serving.iter().map(|endpoint| endpoint.max_completion_tokens).max().flatten();
        let is_known = serving.iter().all(|endpoint| endpoint.max_completion_tokens.is_some());
        for (field, wanted) in
            [("max_tokens", request.max_tokens), ("max_completion_tokens", request.max_completion_tokens)]
        {
            if let Some(longest) =
                longest.filter(|longest| is_known && wanted.is_some_and(|n| u64::from(n) > *longest))
            {
                add(
                    field,
                    format!(
                        "{model}'s endpoints answer with at most {longest} tokens; ask for no more, or {others}"
                    ),
                );
            }
        }
        problems
    }
}

type Allows = fn(&Endpoint, &ProviderPreferences) -> bool;

/// The preferences that exclude endpoints, by name, and whether they let one serve. Whatever an endpoint does
/// not tell stands in no one's way.
const FILTERS: [(&str, Allows); 5] = [
    ("only", |endpoint, preferences| is_among(endpoint, preferences.only.as_ref()) != Some(false)),
    ("ignore", |endpoint, preferences| is_among(endpoint, preferences.ignore.as_ref()) != Some(true)),
    ("order", |endpoint, preferences| {
        preferences.allow_fallbacks != Some(false)
            || is_among(endpoint, preferences.order.as_ref()) != Some(false)
    }),
    ("quantizations", |endpoint, preferences| {
        preferences.quantizations.as_ref().is_none_or(|words| {
            endpoint.quantization.as_ref().is_none_or(|quantization| words.contains(quantization))
        })
    }),
    ("max_price", |endpoint, preferences| is_affordable(endpoint, preferences.max_price.as_ref())),
];

/// Whether the preferences let an endpoint serve, whatever the request is.
fn is_allowed(endpoint: &Endpoint, preferences: &ProviderPreferences) -> bool {
    FILTERS.iter().all(|(_, allows)| allows(endpoint, preferences))
}

/// Whether an endpoint is one of these. `None`: there are no names, or it does not tell its own.
fn is_among(endpoint: &Endpoint, names: Option<&List<String>>) -> Option<bool> {
    let (names, tag) = (names?, endpoint.tag.as_deref()?);
    Some(names.iter().any(|name| is_named(tag, &endpoint.provider_name, name)))
}

/// The parameters that an endpoint's list can have, by their names on the wire. Those of a request beside
/// them (`user`, `metadata`, …) are the service's own business, whoever serves.
const LISTED: [&str; 23] = [
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "top_a",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "max_tokens",
    "max_completion_tokens",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "prediction",
    "seed",
    "response_format",
    "stop",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "web_search_options",
    "verbosity",
];

/// The parameters of a request that an endpoint must list to serve it: with `require_parameters` those that
/// are set, else none.
fn required_parameters(preferences: &ProviderPreferences, request: &ChatRequest) -> Vec<&'static str> {
    if preferences.require_parameters != Some(true) {
        return Vec::new();
    }
    let set: Vec<&str> = request.parameters().map(|parameter| parameter.name).collect();
    let options = request.options.get::<OpenRouterOptions>();
    let is_set = |name: &&str| match *name {
        "tools" => !request.tools.is_empty(),
        "web_search_options" => options.is_some_and(|options| options.web_search_options.is_some()),
        name => set.contains(&name),
    };
    LISTED.into_iter().filter(is_set).collect()
}

/// Whether an endpoint lists its parameters, and has this one under none of its names.
fn lacks_parameter(endpoint: &Endpoint, name: &str) -> bool {
    match name {
        "max_tokens" | "max_completion_tokens" => {
            lacks(endpoint, "max_tokens") && lacks(endpoint, "max_completion_tokens")
        }
        name => lacks(endpoint, name),
    }
}

/// Whether the listed prices of an endpoint are within the caps. A price that is not told, or varies, is.
fn is_affordable(endpoint: &Endpoint, caps: Option<&MaxPrice>) -> bool {
    let Some(caps) = caps else { return true };
    let is_within = |price: Option<Price>, units: u64, cap: &Option<PriceCap>| match (price, cap) {
        (Some(Price::Fixed(price)), Some(PriceCap(cap))) => price * units <= *cap,
        _ => true,
    };
    let pricing = &endpoint.pricing;
    is_within(pricing.prompt, 1_000_000, &caps.prompt)
        && is_within(pricing.completion, 1_000_000, &caps.completion)
        && is_within(pricing.request, 1, &caps.request)
        && is_within(pricing.image, 1, &caps.image)
}

/// Whether a name in the preferences is that of an endpoint: its tag, its provider's slug, or its provider's
/// name to show.
fn is_named(tag: &str, provider_name: &str, name: &str) -> bool {
    name == tag || name == slug(tag) || name.eq_ignore_ascii_case(provider_name)
}

/// The provider's slug in a tag: what stands before the slash.
fn slug(tag: &str) -> &str {
    tag.split('/').next().unwrap_or(tag)
}

/// Whether an endpoint lists its parameters, and this one is not among them.
fn lacks(endpoint: &Endpoint, parameter: &str) -> bool {
    let listed = &endpoint.supported_parameters;
    !listed.is_empty() && listed.iter().all(|name| name != parameter)
}

type Takes = fn(&ToolChoiceSupport) -> Option<bool>;

/// The word for a choice of tools, and whether an endpoint takes it; `None` for a choice that the service has
/// no test of.
fn support_of(choice: &ToolChoice) -> Option<(&'static str, Takes)> {
    Some(match choice {
        ToolChoice::Auto => ("tool_choice: auto", |support| support.auto),
        ToolChoice::None => ("tool_choice: none", |support| support.none),
        ToolChoice::Required => ("tool_choice: required", |support| support.required),
        ToolChoice::Function(_) => ("tool_choice: function", |support| support.function),
        _ => return None,
    })
}

/// Each value once, in order.
fn unique(pairs: impl Iterator<Item = (String, String)>) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    for (value, label) in pairs {
        if choices.iter().all(|known| known.value != value) {
            choices.push(Choice { value, label });
        }
    }
    choices
}
