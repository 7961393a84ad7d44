//! Connects providers from flags and environment: the real services, or the sandbox.

mod chosen;
mod given;
mod invalid;
mod kept;
mod plan;
mod sandbox;
mod select;
mod settings;

use std::sync::Arc;

use openai_compatible_provider as _; // links the provider in
use openrouter_provider as _; // links the provider in
use openrouter_sandbox::Sandbox;
use provider_core::{
    ConfigValues, Error, ErrorKind, FieldKind, LlmProvider, ProviderContext, ProviderDescriptor,
};
use provider_registry::{Instance, Registry, Workspace};
use tokio::sync::OnceCell;

pub(crate) use self::chosen::{check_id, descriptor};
use self::given::MAX_ATTEMPTS;
use self::invalid::Invalid;
use self::plan::Plan;
pub(crate) use self::plan::given_to;
use self::settings::Settings;
use crate::cli::ConnectArgs;
use crate::config::Origin;
use crate::exit::Failure;
use crate::output::Output;

/// The key of a host that sends nothing.
const PLACEHOLDER_KEY: &str = "not-needed";
/// The base URL of a sandbox that is not started, since nothing is sent.
const PLACEHOLDER_URL: &str = "http://127.0.0.1/api/v1";

/// A workspace with the connected providers.
#[derive(Debug)]
pub(crate) struct Host {
    registry: Registry,
    workspace: Workspace,
    connected: Vec<Connected>,
    unready: Vec<Unready>,
    output: Output,
    /// Whether the host must send nothing.
    is_offline: bool,
    /// Runs until the host is dropped.
    _sandbox: Option<Sandbox>,
}

/// A connected provider, as it was connected.
#[derive(Debug)]
struct Connected {
    id: String,
    provider: &'static ProviderDescriptor,
    values: ConfigValues,
    /// Set once the host has tried to fetch the list of models for an error.
    catalogue_asked: OnceCell<()>,
}

/// A provider that is not connected, since its key or a variable that the profile names is missing. Only what
/// needs the provider fails.
#[derive(Debug)]
struct Unready {
    id: String,
    error: Error,
}

/// The settings of one provider that is not connected: those of flags and environment, or of a sandbox, which
/// runs until it is dropped.
///
/// # Errors
/// When a setting is unknown, or the sandbox cannot start.
pub(crate) async fn settings_of(
    provider: &'static ProviderDescriptor,
    args: &ConnectArgs,
    output: Output,
) -> Result<(ConfigValues, Option<Sandbox>), Failure> {
    let plan = Plan::of_one(provider, args)?;
    let mut sandbox = None;
    if args.sandbox {
        sandbox = Some(sandbox::start(&plan).await?);
        output.note(&output.err.dim(sandbox::note(&plan)).to_string());
    }
    let settings = plan.settings(sandbox.as_ref().map(Sandbox::base_url)).pop();
    Ok((settings.map(|settings| settings.values).unwrap_or_default(), sandbox))
}

/// A setting of a provider that is to be connected, for `config show`.
#[derive(Debug)]
pub(crate) struct ShownSetting {
    /// The id that the provider is connected under.
    pub(crate) provider: String,
    pub(crate) key: &'static str,
    /// Its value; of a secret the last four characters, if it has twelve or more. `None` if the variable that
    /// has it is not set.
    pub(crate) value: Option<String>,
    pub(crate) origin: Origin,
}

/// The settings of all providers that would be connected, the defaults among them.
///
/// # Errors
/// As [`Host::open`], except for settings that are missing or invalid.
pub(crate) fn shown_settings(args: &ConnectArgs) -> Result<Vec<ShownSetting>, Failure> {
    let plan = Plan::read(args)?;
    let mut shown = Vec::new();
    for (one, settings) in plan.chosen.iter().zip(plan.settings(args.sandbox.then_some(PLACEHOLDER_URL))) {
        for field in &one.fields {
            let is_secret = field.kind == FieldKind::Secret;
            let origin = settings.origins.get(field.key).cloned().unwrap_or(Origin::Default);
            let value = match (settings.values.get(field.key), field.default) {
                // Its port is another one each time.
                (Some(_), _) if origin == Origin::Sandbox => Some("inside this program".to_owned()),
                (Some(value), _) if is_secret => Some(ending(value)),
                (Some(value), _) => Some(value.to_owned()),
                (None, _) if settings.unset.contains_key(field.key) => None,
                (None, Some(default)) if one.provider.fields.iter().any(|own| own.key == field.key) => {
                    Some(default.to_owned())
                }
                (None, _) => continue,
            };
            shown.push(ShownSetting { provider: one.id.clone(), key: field.key, value, origin });
        }
    }
    Ok(shown)
}

/// The end of a secret, by which its owner tells it from others.
pub(crate) fn ending(secret: &str) -> String {
    let count = secret.chars().count();
    let last: String = secret.chars().skip(count.saturating_sub(4)).collect();
    if count < 12 { "…".to_owned() } else { format!("…{last}") }
}

impl Host {
    /// Connects the providers without sending anything.
    ///
    /// # Errors
    /// When there is no such provider, or when settings are invalid.
    pub(crate) async fn open(args: &ConnectArgs, output: Output) -> Result<Self, Failure> {
        let plan = Plan::read(args)?;
        if args.sandbox {
            let sandbox = sandbox::start(&plan).await?;
            output.note(&output.err.dim(sandbox::note(&plan)).to_string());
            let settings = plan.settings(Some(sandbox.base_url()));
            let host = Self::connect(plan, settings, false, output)?;
            return Ok(Self { _sandbox: Some(sandbox), ..host });
        }
        for (name, right) in plan.misspelt() {
            output.note(&format!("{name} is set, but not read; is {right} meant?"));
        }
        let settings = plan.settings(None);
        let notes = plan.withheld(&settings);
        let host = Self::connect(plan, settings, true, output)?;
        notes.iter().for_each(|note| output.note(note));
        Ok(host)
    }

    /// Opens a host that only shows requests: it needs no key and sends nothing. `context` has the HTTP
    /// client that takes the requests.
    ///
    /// # Errors
    /// As [`open`](Self::open), except for a missing key.
    pub(crate) fn open_offline(
        args: &ConnectArgs,
        context: ProviderContext,
        output: Output,
    ) -> Result<Self, Failure> {
        let mut plan = Plan::read(args)?;
        plan.registry = plan.registry.context(context);
        let mut settings = plan.settings(args.sandbox.then_some(PLACEHOLDER_URL));
        for (one, settings) in plan.chosen.iter().zip(&mut settings) {
            settings.fill_secrets(one, PLACEHOLDER_KEY);
        }
        Ok(Self { is_offline: true, ..Self::connect(plan, settings, false, output)? })
    }

    /// Connects the providers. With `is_real`, requests go to their services, so that a setting whose
    /// variable is not set is missed.
    fn connect(plan: Plan, settings: Vec<Settings>, is_real: bool, output: Output) -> Result<Self, Failure> {
        let mut workspace = Workspace::new("command-line");
        let (mut connected, mut unready, mut invalid) = (Vec::new(), Vec::new(), Invalid::default());
        for (one, settings) in plan.chosen.iter().zip(settings) {
            if is_real && !settings.unset.is_empty() {
                unready.push(Unready { id: one.id.clone(), error: invalid::unset(one, &settings, &plan) });
                continue;
            }
            match workspace.add_as(&one.id, &plan.registry, one.provider.id, settings.values.clone()) {
                Ok(_) => connected.push(Connected {
                    id: one.id.clone(),
                    provider: one.provider,
                    values: settings.values,
                    catalogue_asked: OnceCell::new(),
                }),
                Err(error) => {
                    // One that a variable has chosen is not left out.
                    let may_wait = is_real && plan.chosen.len() > 1 && one.because_of.is_none();
                    if !(may_wait && invalid::lacks_secrets(&error, one, &settings)) {
                        invalid.add(error, one, &settings, &plan);
                        continue;
                    }
                    let mut own = Invalid::default();
                    own.add(error, one, &settings, &plan);
                    if let Err(Failure::Provider(error)) = own.end() {
                        unready.push(Unready { id: one.id.clone(), error });
                    }
                }
            }
        }
        invalid.end()?;
        if connected.is_empty()
            && let Some(first) = unready.first()
        {
            let problems = unready.iter().flat_map(|one| one.error.fields().to_vec()).collect();
            return Err(first.error.clone().with_fields(problems).into());
        }
        let registry = plan.registry;
        Ok(Self { registry, workspace, connected, unready, output, is_offline: false, _sandbox: None })
    }

    /// The providers that are not connected, since a key or a variable is missing: each with
    /// its id and the error.
    pub(crate) fn unready(&self) -> impl Iterator<Item = (&str, &Error)> {
        self.unready.iter().map(|one| (one.id.as_str(), &one.error))
    }

    /// The connected providers, sorted by id.
    pub(crate) fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.workspace.instances()
    }

    /// The connected providers, each with its id, its description and the settings that it was given.
    pub(crate) fn connected(
        &self,
    ) -> impl Iterator<Item = (&str, &'static ProviderDescriptor, &ConfigValues)> {
        self.connected.iter().map(|one| (one.id.as_str(), one.provider, &one.values))
    }

    /// The connected provider of this id.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], which lists the ids.
    pub(crate) fn instance(&self, id: &str) -> Result<&Instance, Error> {
        self.workspace.instance(id).map_err(|_| {
            if let Some((_, error)) = self.unready().find(|(unready, _)| *unready == id) {
                return error.clone();
            }
            let ids: Vec<&str> = self.instances().map(Instance::id).collect();
            let message = format!("no provider is connected as {id:?}; connected are: {}", ids.join(", "));
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// Whether several providers are connected, so that messages have to say which one is meant.
    pub(crate) fn has_several(&self) -> bool {
        self.connected.len() + self.unready.len() > 1
    }

    /// The provider of this id, connected so that it tries each request once, unless its settings say how
    /// often.
    ///
    /// # Errors
    /// None in practice: the same settings have been connected before.
    pub(crate) fn asked_once(&self, id: &str) -> Result<Arc<dyn LlmProvider>, Error> {
        match self.connected.iter().find(|one| one.id == id) {
            Some(one) if one.values.get(MAX_ATTEMPTS).is_none() => {
                self.registry.connect(one.provider.id, one.values.clone().set(MAX_ATTEMPTS, "1"))
            }
            _ => Ok(self.workspace.instance(id)?.provider().clone()),
        }
    }
}
