//! The store of the command line: keys, conversations and runs. It has the folder, the master key and the
//! workspace of `serve --dev`, whose page shows what the terminal did.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use provider_core::ConfigValues;
use workspace_store::{
    Actor, MasterKeyError, NewWorkspace, Store, StoreError, StoreOptions, WorkspaceChange,
};

use crate::cli::ServeSettings;
use crate::config::{Config, LogLevel, Profile, ProfileProvider, SANDBOX_WORKSPACE, no_data_folder};
use crate::environment::Environment;
use crate::exit::Failure;
use crate::serve;

/// How long prompts and answers are kept in a workspace that the command line makes: ten years.
const KEEP_CONTENT: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// The connections of a store that one user reads.
const MAX_CONNECTIONS: u32 = 2;

/// Beside the flags: the configuration, and what the store has for connecting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    config: Option<Arc<Config>>,
    place: Place,
    /// The store, where it had to be opened before anything is asked.
    store: Option<Storage>,
    /// The providers of the workspace, with their secrets opened.
    pub(crate) providers: Vec<StoredProvider>,
}

/// A provider of the store.
#[derive(Clone, Debug)]
pub(crate) struct StoredProvider {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) values: ConfigValues,
}

/// Where the store is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// The folder of the database and of the master key; `None` where nothing says which one.
    data: Option<PathBuf>,
    /// Whether a variable has the master key, so that it needs no file in the folder.
    has_master_key: bool,
    settings: ServeSettings,
    workspace: String,
}

/// The opened store, and the workspace of this command line in it.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    pub(crate) store: Store,
    pub(crate) workspace: String,
    /// Tells of the files that were made, once.
    pub(crate) made: Option<String>,
}

impl Kept {
    /// The configuration, and a store that is not opened yet. With the sandbox it is the workspace of the
    /// sandbox.
    pub(crate) fn new(config: Config, is_sandbox: bool, environment: &Environment) -> Self {
        let workspace =
            if is_sandbox { SANDBOX_WORKSPACE.to_owned() } else { config.workspace.value.clone() };
        let data = config.data.as_ref().map(|data| data.value.clone());
        let place = Place::new(data, workspace, environment);
        Self { config: Some(Arc::new(config)), place, ..Self::default() }
    }

    /// Reads the providers of the store, if there is a store.
    ///
    /// # Errors
    /// When it does not open.
    pub(crate) async fn read_providers(&mut self) -> Result<(), Failure> {
        if !self.place.exists() {
            return Ok(());
        }
        let storage = self.place.open().await?;
        let opened = storage.store.opened_providers(&storage.workspace).await.map_err(failed)?;
        let providers = opened.into_iter();
        self.providers = providers
            .map(|(record, values)| StoredProvider { id: record.id, kind: record.kind, values })
            .collect();
        self.store = Some(storage);
        Ok(())
    }

    /// The store: the one that is open already, or one that is opened now and made if there is none.
    ///
    /// # Errors
    /// When it does not open.
    pub(crate) async fn storage(&self) -> Result<Storage, Failure> {
        match &self.store {
            Some(storage) => Ok(storage.clone()),
            None => self.place.open().await,
        }
    }

    /// Whether there is a store.
    pub(crate) fn has_store(&self) -> bool {
        self.store.is_some() || self.place.exists()
    }

    /// The configuration, for the commands that read it.
    pub(crate) fn config(&self) -> Option<&Config> {
        self.config.as_deref()
    }

    /// How much of a run is logged.
    pub(crate) fn log_level(&self) -> LogLevel {
        self.config().map_or(LogLevel::Off, |config| config.log.value)
    }

    /// The folder of the store, if there is a place for it.
    pub(crate) fn data(&self) -> Option<&Path> {
        self.place.data.as_deref()
    }

    /// The workspace of the store.
    pub(crate) fn workspace(&self) -> &str {
        &self.place.workspace
    }

    pub(crate) fn profile(&self) -> Option<&Profile> {
        self.config().map(|config| &config.profile.value)
    }

    pub(crate) fn profile_name(&self) -> &str {
        self.profile().map_or("", |profile| &profile.name)
    }

    /// The providers of the profile, by their ids.
    pub(crate) fn profile_providers(&self) -> &BTreeMap<String, ProfileProvider> {
        static NONE: BTreeMap<String, ProfileProvider> = BTreeMap::new();
        self.profile().map_or(&NONE, |profile| &profile.providers)
    }

    /// The kind of the provider that the profile or the store has under an id.
    pub(crate) fn kind_of(&self, id: &str) -> Option<&str> {
        let of_profile = self.profile_providers().get(id).map(|provider| provider.kind.as_str());
        let stored =
            || self.providers.iter().find(|stored| stored.id == id).map(|stored| stored.kind.as_str());
        of_profile.or_else(stored)
    }
}

impl Place {
    fn new(data: Option<PathBuf>, workspace: String, environment: &Environment) -> Self {
        let value = |name: &str| environment.value(name).map(str::to_owned);
        let settings = ServeSettings {
            database_url: value("HOST_DATABASE_URL"),
            master_key_file: value("HOST_MASTER_KEY_FILE").map(Into::into),
            ..ServeSettings::default()
        };
        let has_master_key = settings.master_key_file.is_some() || environment.has("HOST_MASTER_KEY");
        Self { data, has_master_key, settings, workspace }
    }

    fn exists(&self) -> bool {
        let has_file = || self.data.as_ref().is_some_and(|data| data.join(serve::DATABASE).exists());
        self.settings.database_url.is_some() || !self.workspace.is_empty() && has_file()
    }

    /// The folder of the files that the store has. Empty, if it has none.
    ///
    /// # Errors
    /// When it needs a folder, and nothing says which one.
    fn folder(&self) -> Result<&Path, Failure> {
        let needs_none = self.settings.database_url.is_some() && self.has_master_key;
        let folder = self.data.as_deref().or(needs_none.then_some(Path::new("")));
        folder.ok_or_else(no_data_folder)
    }

    /// Opens the store, and makes what is missing: its folder, its key, its workspace.
    ///
    /// # Errors
    /// When it does not open, or has no place.
    async fn open(&self) -> Result<Storage, Failure> {
        let data = self.folder()?;
        let key_file = data.join(serve::MASTER_KEY_FILE);
        let had_key = key_file.exists();
        let key = serve::master_key(true, &self.settings, data)?;
        let made = (!had_key && key_file.exists()).then(|| {
            format!(
                "keys and runs are kept in {}; the key that seals them is {}, which you alone may read",
                data.display(),
                key_file.display()
            )
        });
        let url = self.settings.database_url.clone();
        let url = url.unwrap_or_else(|| format!("sqlite:{}", data.join(serve::DATABASE).display()));
        let options = StoreOptions::new().max_connections(MAX_CONNECTIONS);
        let store = Store::open_with(&url, key, options).await.map_err(|error| match error {
            StoreError::MasterKey(MasterKeyError::Wrong { .. }) => Failure::Usage(format!(
                "the store in {} is sealed with another master key: {error}",
                data.display()
            )),
            error => failed(error),
        })?;
        let workspace = self.workspace.clone();
        if let Err(error) = store.workspace(&workspace).await {
            if !matches!(error, StoreError::NotFound { .. }) {
                return Err(failed(error));
            }
            make_workspace(&store, &workspace).await.map_err(failed)?;
        }
        Ok(Storage { store, workspace, made })
    }
}

/// The author of the changes that the command line makes.
pub(crate) fn actor() -> Actor {
    Actor::new("user:command-line")
}

/// Makes a workspace that keeps prompts and answers, in the time zone of this machine. False: it is there
/// already.
///
/// # Errors
/// Those of the store, except for a workspace that another process has made meanwhile.
pub(crate) async fn make_workspace(store: &Store, id: &str) -> Result<bool, StoreError> {
    let zone = TimeZone::system();
    let zone = zone.iana_name().unwrap_or("UTC");
    let new = |zone: &str| NewWorkspace::new(id).time_zone(zone);
    let made = match store.create_workspace(new(zone), &actor()).await {
        // The zone of the machine may be one that the store does not know.
        Err(StoreError::Invalid(_)) => store.create_workspace(new("UTC"), &actor()).await,
        made => made,
    };
    match made {
        Ok(record) => {
            let change = WorkspaceChange::new().keep_content(Some(KEEP_CONTENT));
            store.change_workspace(id, record.revision, change, &actor()).await.map(|_| true)
        }
        Err(StoreError::Duplicate { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A failure of the store, as that of a command.
pub(crate) fn failed(error: StoreError) -> Failure {
    Failure::Usage(format!("the store: {error}"))
}
