//! From flags and the environment to a workspace with a connected provider: the real service, or the sandbox.

use std::time::Duration;

use openrouter_provider as _; // links the provider in
use openrouter_sandbox::Sandbox;
use provider_core::{ConfigValues, Error};
use provider_registry::{Instance, Registry, SelectedModel, Workspace};

use crate::cli::ConnectArgs;
use crate::exit::Failure;
use crate::output::Output;

/// The provider whose service the sandbox stands in for.
const SANDBOXED: &str = "openrouter";
/// Any key opens the sandbox. A real one would have no business there.
const SANDBOX_KEY: &str = "sk-or-sandbox";
/// Slow enough to see an answer stream in, quick enough not to wait for it.
const TOKEN_DELAY: Duration = Duration::from_millis(15);

/// A workspace with one provider, ready to be asked.
#[derive(Debug)]
pub(crate) struct Host {
    workspace: Workspace,
    instance: String,
    /// Runs as long as the host does.
    _sandbox: Option<Sandbox>,
}

impl Host {
    /// Connects the provider. Nothing is sent yet.
    ///
    /// # Errors
    /// When there is no such provider, or its settings cannot be used.
    pub(crate) async fn open(args: &ConnectArgs, output: Output) -> Result<Self, Failure> {
        let registry = Registry::discover()?;
        let provider = registry.descriptor(&args.provider)?;
        let attempts = args.retries.map(|retries| (u32::from(retries) + 1).to_string());
        let given = ConfigValues::new()
            .set("max_attempts", attempts.unwrap_or_default())
            .set("base_url", args.base_url.as_deref().unwrap_or_default())
            .set("site_url", args.site_url.as_deref().unwrap_or_default())
            .set("site_name", args.site_name.as_deref().unwrap_or_default());
        let mut values = given.or(ConfigValues::from_env(provider.fields));

        let nothing_set = values.get("api_key").is_none() && values.get("base_url").is_none();
        let mut sandbox = None;
        if args.sandbox || (nothing_set && provider.id == SANDBOXED) {
            if provider.id != SANDBOXED {
                let problem = format!("there is no sandbox for {}, only for {SANDBOXED}", provider.id);
                return Err(Failure::Usage(problem));
            }
            let running = start_sandbox().await?;
            values = values.set("base_url", running.base_url()).set("api_key", SANDBOX_KEY);
            if !args.sandbox {
                output.note(&output.err.dim(NO_KEY).to_string());
            }
            sandbox = Some(running);
        }

        let mut workspace = Workspace::new("command-line");
        let instance = workspace.add(&registry, provider.id, values)?.id().to_owned();
        Ok(Self { workspace, instance, _sandbox: sandbox })
    }

    /// The configured provider.
    ///
    /// # Errors
    /// None in practice: the workspace has had it since [`open`](Self::open).
    pub(crate) fn instance(&self) -> Result<&Instance, Error> {
        self.workspace.instance(&self.instance)
    }

    /// The model of this id, taken as it is; `instance:id` names the provider as well.
    ///
    /// # Errors
    /// When nothing follows the provider's name.
    pub(crate) async fn model(&self, text: &str) -> Result<SelectedModel, Error> {
        let names_provider = text.split_once(':').is_some_and(|(name, _)| name == self.instance);
        if names_provider { self.workspace.model(text).await } else { Ok(self.instance()?.model(text)) }
    }
}

const NO_KEY: &str =
    "OPENROUTER_API_KEY is not set: this is the built-in sandbox; set the variable to use the real service.";

async fn start_sandbox() -> Result<Sandbox, Failure> {
    let started = Sandbox::builder().token_delay(TOKEN_DELAY).start().await;
    started.map_err(|error| Failure::Io("cannot start the sandbox".to_owned(), error))
}
