//! Connects a provider from flags and environment: the real service, or the sandbox.

use std::time::Duration;

use openrouter_provider as _; // links the provider in
use openrouter_sandbox::Sandbox;
use provider_core::{
    ConfigField, ConfigValues, Error, ErrorKind, FieldKind, FieldProblem, ProviderDescriptor,
};
use provider_registry::{Instance, Registry, SelectedModel, Workspace};
use strsim::normalized_damerau_levenshtein;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::cli::ConnectArgs;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::output::Output;

/// The id of the provider for which there is a sandbox.
const SANDBOX_PROVIDER: &str = "openrouter";
/// The sandbox accepts any key. A real key is never sent to it.
const SANDBOX_KEY: &str = "sk-or-sandbox";
/// The key of a host that sends nothing.
const PLACEHOLDER_KEY: &str = "not-needed";
/// The sandbox's time per token: slow enough to watch a stream, quick enough to wait for it.
const TOKEN_DELAY: Duration = Duration::from_millis(15);
/// The longest wait for the list of models where it only helps.
const CATALOGUE_TIMEOUT: Duration = Duration::from_secs(3);
/// The similarity from which a name is suggested for an unknown one, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.5;

/// A workspace with one connected provider.
#[derive(Debug)]
pub(crate) struct Host {
    workspace: Workspace,
    instance: String,
    output: Output,
    /// Whether the host must send nothing.
    is_offline: bool,
    /// Set once the host has tried to fetch the list of models for an error.
    catalogue_asked: OnceCell<()>,
    /// Runs until the host is dropped.
    _sandbox: Option<Sandbox>,
}

impl Host {
    /// Connects the provider without sending anything.
    ///
    /// # Errors
    /// When there is no such provider, or when its settings are invalid.
    pub(crate) async fn open(args: &ConnectArgs, output: Output) -> Result<Self, Failure> {
        let registry = Registry::discover()?;
        let provider = descriptor(&registry, &args.provider)?;
        let environment = Environment::of_this_program();
        if !args.sandbox {
            for (name, right) in environment.misspelt(provider.fields) {
                output.note(&format!("{name} is set, but not read; is {right} meant?"));
            }
            return Self::connected(&registry, provider, settings(args, provider), None, output)
                .map_err(|error| explained(&error, provider, &environment).into());
        }
        if provider.id != SANDBOX_PROVIDER {
            let problem = format!("there is no sandbox for {}, only for {SANDBOX_PROVIDER}", provider.id);
            return Err(Failure::Usage(problem));
        }
        let sandbox = Sandbox::builder().token_delay(TOKEN_DELAY).start().await;
        let sandbox = sandbox.map_err(|error| Failure::Io("cannot start the sandbox".to_owned(), error))?;
        output.note(&output.err.dim(sandbox_note(provider, &environment)).to_string());
        let values = settings(args, provider).set("base_url", sandbox.base_url()).set("api_key", SANDBOX_KEY);
        Ok(Self::connected(&registry, provider, values, Some(sandbox), output)?)
    }

    /// Opens a host that only shows requests: it needs no key and sends nothing.
    ///
    /// # Errors
    /// As [`open`](Self::open), except for a missing key.
    pub(crate) fn open_offline(args: &ConnectArgs, output: Output) -> Result<Self, Failure> {
        let registry = Registry::discover()?;
        let provider = descriptor(&registry, &args.provider)?;
        let mut values = settings(args, provider);
        for field in provider.fields.iter().filter(|field| field.required && field.kind == FieldKind::Secret)
        {
            if values.get(field.key).is_none() {
                values = values.set(field.key, PLACEHOLDER_KEY);
            }
        }
        let host = Self::connected(&registry, provider, values, None, output)?;
        Ok(Self { is_offline: true, ..host })
    }

    fn connected(
        registry: &Registry,
        provider: &ProviderDescriptor,
        values: ConfigValues,
        sandbox: Option<Sandbox>,
        output: Output,
    ) -> Result<Self, Error> {
        let mut workspace = Workspace::new("command-line");
        let instance = workspace.add(registry, provider.id, values)?.id().to_owned();
        let catalogue_asked = OnceCell::new();
        Ok(Self { workspace, instance, output, is_offline: false, catalogue_asked, _sandbox: sandbox })
    }

    /// The configured provider.
    ///
    /// # Errors
    /// None in practice: [`open`](Self::open) adds it to the workspace.
    pub(crate) fn instance(&self) -> Result<&Instance, Error> {
        self.workspace.instance(&self.instance)
    }

    /// The model that a text means, by the rules of [`Workspace::model`].
    ///
    /// The host fetches the list of models only where it decides: whether the provider's name in front of a
    /// slash is part of the id, and which models there are where the provider accepts no others. For the
    /// former, it waits no longer than [`CATALOGUE_TIMEOUT`].
    ///
    /// # Errors
    /// Those of [`Workspace::model`].
    pub(crate) async fn model(&self, text: &str) -> Result<SelectedModel, Error> {
        let selected = match self.workspace.model_offline(text) {
            Ok(selected) if selected.was_rewritten_from().is_none() || self.is_offline => selected,
            Ok(rewritten) => {
                let listed = timeout(CATALOGUE_TIMEOUT, self.workspace.model(text)).await;
                listed.unwrap_or(Ok(rewritten))?
            }
            Err(error) if self.is_offline => return Err(error),
            Err(_) => self.workspace.model(text).await?,
        };
        if selected.was_rewritten_from().is_some() {
            self.output.note(&format!("{text} is taken for {}, the id without the provider", selected.id()));
        }
        Ok(selected)
    }

    /// The ids of the models that several texts mean; see [`model`](Self::model).
    ///
    /// # Errors
    /// Those of [`model`](Self::model).
    pub(crate) async fn ids(&self, texts: &[String]) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        for text in texts {
            ids.push(self.model(text).await?.id().to_owned());
        }
        Ok(ids)
    }

    /// Adds models with similar names to the error of an unknown model. The first such error fetches the list
    /// of models, and waits no longer than [`CATALOGUE_TIMEOUT`].
    pub(crate) async fn explained(&self, error: Error) -> Error {
        let Ok(instance) = self.instance() else { return error };
        if error.kind() != ErrorKind::ModelNotFound || error.next_step().is_some() {
            return error;
        }
        let Some(model) = error.model().map(|id| instance.model(id)) else { return error };
        // Without the list, the error stays as it is.
        let ask = async { drop(timeout(CATALOGUE_TIMEOUT, instance.catalogue()).await) };
        self.catalogue_asked.get_or_init(|| ask).await;
        model.explained(error)
    }
}

/// Finds the provider of this name.
///
/// # Errors
/// [`ErrorKind::NotFound`], which names the most similar provider and all others.
pub(crate) fn descriptor(registry: &Registry, name: &str) -> Result<&'static ProviderDescriptor, Error> {
    if let Ok(provider) = registry.descriptor(name) {
        return Ok(provider);
    }
    let wanted = name.trim().to_lowercase();
    let likeness = |provider: &&ProviderDescriptor| {
        let like = |name: &str| normalized_damerau_levenshtein(&wanted, &name.to_lowercase());
        like(provider.id).max(like(provider.display_name))
    };
    let nearest = registry.providers().filter(|provider| likeness(provider) >= MIN_SIMILARITY);
    let nearest = nearest.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let hint = nearest.map_or_else(String::new, |provider| format!(" (is {} meant?)", provider.id));
    let all: Vec<String> =
        registry.providers().map(|provider| format!("{} ({})", provider.id, provider.display_name)).collect();
    let message = format!("there is no provider {name:?}{hint}; this program has: {}", all.join(", "));
    Err(Error::new(ErrorKind::NotFound, message).with_next_step("`provider-host providers` lists them"))
}

/// The settings from flags and, where there is no flag, from the environment.
fn settings(args: &ConnectArgs, provider: &ProviderDescriptor) -> ConfigValues {
    let attempts = args.retries.map(|retries| (u32::from(retries) + 1).to_string());
    let given = ConfigValues::new()
        .set("max_attempts", attempts.unwrap_or_default())
        .set("base_url", args.base_url.as_deref().unwrap_or_default())
        .set("site_url", args.site_url.as_deref().unwrap_or_default())
        .set("site_name", args.site_name.as_deref().unwrap_or_default());
    let from_env = ConfigValues::from_env(provider.fields);
    // The sandbox ignores key and address of the real service, valid or not.
    if args.sandbox { given.or(from_env.set("base_url", "").set("api_key", "")) } else { given.or(from_env) }
}

/// Explains in an error of the settings why each missing one is missing.
fn explained(error: &Error, provider: &ProviderDescriptor, environment: &Environment) -> Error {
    let field = |key: &str| provider.fields.iter().find(|field| field.key == key);
    let is_missing =
        |field: &&ConfigField| field.required && field.env.is_none_or(|name| !environment.has(name));
    let problems = error.fields().iter().map(|problem| match field(&problem.field).filter(is_missing) {
        Some(field) => FieldProblem::new(field.key, environment.why_missing(field, provider.fields)),
        None => problem.clone(),
    });
    let problems: Vec<FieldProblem> = problems.collect();
    let missing = provider.fields.iter().filter(is_missing).find_map(|field| field.env);
    let error = error.clone().with_fields(problems);
    match missing {
        Some(variable) if provider.id == SANDBOX_PROVIDER => error.with_next_step(format!(
            "set {variable}, or give --sandbox, which needs no key and makes answers up"
        )),
        _ => error,
    }
}

/// The note that the sandbox answers, and which variables it ignores.
fn sandbox_note(provider: &ProviderDescriptor, environment: &Environment) -> String {
    let unused = ["api_key", "base_url"].into_iter().filter_map(|key| {
        provider.fields.iter().find(|field| field.key == key)?.env.filter(|name| environment.has(name))
    });
    let unused: Vec<&str> = unused.collect();
    let note = "this is the built-in sandbox: answers are made up, and nothing is billed";
    match unused.as_slice() {
        [] => note.to_owned(),
        [one] => format!("{note}; {one} is not used"),
        several => format!("{note}; {} are not used", several.join(" and ")),
    }
}
