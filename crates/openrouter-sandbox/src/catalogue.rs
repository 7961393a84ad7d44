//! The model catalogue: realistic rows, read from `catalogue.json`.
//!
//! A row has the fields of `GET /models` and private keys: the `endpoints` that serve the model, the legacy
//! spellings (`aliases`) of its id, for a router the id of the model that it chooses (`routes_to`),
//! whether it lists `tool_choice` but fails the test of forced calls (`fails_forced_tools`), and whether it
//! takes a change of the effort within a conversation (`takes_updates`).

use serde_json::{Map, Value, json};

use crate::cost::Usd;

/// The model of a request that names none.
pub(crate) const DEFAULT_MODEL: &str = "openai/gpt-4o-mini";

/// A provider that serves a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint {
    /// Display name, e.g. `Google AI Studio`.
    pub(crate) provider: String,
    /// Routing slug, e.g. `deepinfra/fp4`.
    pub(crate) tag: String,
}

impl Endpoint {
    /// The provider's slug: the tag without what follows the slash.
    pub(crate) fn slug(&self) -> &str {
        self.tag.split('/').next().unwrap_or(&self.tag)
    }

    /// The precision of the weights, if the tag says so.
    pub(crate) fn quantization(&self) -> Option<&str> {
        let (_, kind) = self.tag.split_once('/')?;
        ["fp4", "fp8", "bf16"].contains(&kind).then_some(kind)
    }

    /// Whether the provider retains no data (`zdr`).
    pub(crate) fn is_zdr(&self) -> bool {
        ["azure", "amazon-bedrock", "google-vertex"].contains(&self.slug())
    }

    /// Whether a name in a routing preference matches this endpoint: by tag, slug, or display name.
    pub(crate) fn matches(&self, name: &str) -> bool {
        name == self.tag || name == self.slug() || name.eq_ignore_ascii_case(&self.provider)
    }
}

/// A model of the catalogue.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) id: String,
    pub(crate) canonical_slug: String,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) prompt_price: Usd,
    pub(crate) completion_price: Usd,
    /// The row without its private keys.
    pub(crate) row: Value,
    aliases: Vec<String>,
    /// Whether it lists `tool_choice`, but fails the test of forced calls.
    fails_forced_tools: bool,
    /// Whether it takes a change of the effort within a conversation.
    takes_updates: bool,
    /// The id of the model that an alias or a router stands for.
    target: Option<String>,
}

impl Model {
    fn read(row: Value) -> Option<Self> {
        let Value::Object(mut row) = row else { return None };
        let private_list = |row: &mut Map<String, Value>, key: &str| match row.remove(key) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let endpoints = private_list(&mut row, "endpoints")
            .iter()
            .map(|item| Some(Endpoint { provider: text(&item["provider"])?, tag: text(&item["tag"])? }))
            .collect::<Option<_>>()?;
        let aliases = private_list(&mut row, "aliases").iter().filter_map(text).collect();
        let fails_forced_tools = row.remove("fails_forced_tools") == Some(Value::Bool(true));
        let takes_updates = row.remove("takes_updates") == Some(Value::Bool(true));
        let routes_to = row.remove("routes_to").as_ref().and_then(text);

        let canonical_slug = text(row.get("canonical_slug")?)?;
        row.insert("per_request_limits".into(), Value::Null);
        row.insert("supported_voices".into(), Value::Null);
        let details = format!("/api/v1/models/{canonical_slug}/endpoints");
        row.insert("links".into(), json!({ "details": details }));

        let row = Value::Object(row);
        Some(Self {
            id: text(&row["id"])?,
            endpoints,
            prompt_price: Usd::parse(row["pricing"]["prompt"].as_str()?)?,
            completion_price: Usd::parse(row["pricing"]["completion"].as_str()?)?,
            aliases,
            fails_forced_tools,
            takes_updates,
            target: text(&row["alias_target"]["slug"]).or(routes_to),
            canonical_slug,
            row,
        })
    }

    /// The author, e.g. `openai`.
    pub(crate) fn author(&self) -> &str {
        self.id.trim_start_matches('~').split('/').next().unwrap_or_default()
    }

    /// The field `model` of its responses: the dated slug, with `:free` for a free endpoint.
    pub(crate) fn response_model(&self) -> String {
        let mark = if self.id.ends_with(":free") { ":free" } else { "" };
        format!("{}{mark}", self.canonical_slug)
    }

    /// Whether the row lists a value under `key`, or under `architecture.key`.
    pub(crate) fn lists(&self, key: &str, value: &str) -> bool {
        let listed =
            |list: &Value| list.as_array().is_some_and(|items| items.iter().any(|item| item == value));
        listed(&self.row[key]) || listed(&self.row["architecture"][key])
    }

    /// The values of `tool_choice` that its endpoints take.
    pub(crate) fn tool_choice_support(&self) -> Value {
        let (has_tools, forced) = (self.lists("supported_parameters", "tools"), self.takes_forced_tools());
        json!({"auto": has_tools, "none": has_tools, "required": forced, "function": forced})
    }

    /// Whether a request may force a tool call.
    pub(crate) fn takes_forced_tools(&self) -> bool {
        self.lists("supported_parameters", "tool_choice") && !self.fails_forced_tools
    }

    /// Whether a message may change the effort from there on (`configuration_update`).
    pub(crate) fn takes_updates(&self) -> bool {
        self.takes_updates
    }

    /// Whether the model reasons without being asked to.
    pub(crate) fn must_reason(&self) -> bool {
        self.row["reasoning"]["mandatory"] == true
    }
}

/// All models.
#[derive(Debug)]
pub(crate) struct Catalogue {
    models: Vec<Model>,
}

impl Catalogue {
    /// Reads the built-in rows. Only an invalid `catalogue.json` is an error, which a test would catch.
    pub(crate) fn load() -> std::io::Result<Self> {
        let rows: Vec<Value> = serde_json::from_str(include_str!("catalogue.json"))?;
        let models = rows.into_iter().map(Model::read).collect::<Option<_>>();
        match models {
            Some(models) => Ok(Self { models }),
            None => Err(std::io::Error::other("catalogue.json has a row that is not a model")),
        }
    }

    pub(crate) fn models(&self) -> &[Model] {
        &self.models
    }

    /// The model with exactly this id, legacy spelling, or canonical slug.
    pub(crate) fn row(&self, id: &str) -> Option<&Model> {
        let by_id =
            self.models.iter().find(|model| model.id == id || model.aliases.iter().any(|alias| alias == id));
        by_id.or_else(|| self.models.iter().find(|model| model.canonical_slug == id))
    }

    /// The model that serves an alias or a router; any other model itself.
    pub(crate) fn concrete<'a>(&'a self, model: &'a Model) -> &'a Model {
        model.target.as_deref().and_then(|id| self.row(id)).unwrap_or(model)
    }

    /// One endpoint of each provider.
    pub(crate) fn providers(&self) -> Vec<&Endpoint> {
        let mut providers: Vec<&Endpoint> = Vec::new();
        for endpoint in self.models.iter().flat_map(|model| &model.endpoints) {
            if providers.iter().all(|known| known.slug() != endpoint.slug()) {
                providers.push(endpoint);
            }
        }
        providers
    }
}

#[cfg(test)]
mod tests {
    use super::{Catalogue, DEFAULT_MODEL};

    #[test]
    fn catalogue_rows_and_their_targets_are_valid() {
        let catalogue = Catalogue::load().unwrap();
        assert!(catalogue.models().len() >= 25);
        assert!(catalogue.row(DEFAULT_MODEL).is_some());
        for model in catalogue.models() {
            assert!(!catalogue.concrete(model).endpoints.is_empty(), "{} is served by nobody", model.id);
            assert!(model.row.get("endpoints").is_none());
        }
    }
}
