//! The connected providers of workspaces, kept while they are in use.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use provider_core::{ChatRequest, Error, LlmProvider, ProviderContext};
use provider_registry::{Instance, Registry, SelectedModel, Workspace};

use crate::error::{RecordKind, Result, StoreError};
use crate::feed::Change;
use crate::provider::{ConnectedSettings, ProviderRecord, StoredProvider};
use crate::store::{Store, Watch};
use crate::workspace::WorkspaceRecord;

/// The connected workspaces of a host. Cheap to clone; clones share them.
///
/// A workspace's providers are connected when it is first asked for, once for all callers, and again when
/// their settings change, on whichever host. A provider whose settings have not changed stays connected, with
/// its catalogue and the state of its layers. The least recently used workspaces are dropped beyond [a
/// number](Self::max_workspaces); calls that still use them end as they would. Opened keys are in connected
/// providers, and nowhere else.
///
/// While the database is away, connected workspaces go on as they are.
#[derive(Clone)]
pub struct Connections(Arc<Shared>);

struct Shared {
    store: Store,
    registry: Registry,
    hooks: Hooks,
    slots: Arc<Slots>,
}

/// The host's part of connecting.
#[derive(Clone)]
struct Hooks {
    max_workspaces: usize,
    configure: Arc<dyn Fn(Workspace) -> Workspace + Send + Sync>,
    context: Arc<ContextHook>,
    layers: Arc<LayersHook>,
}

type ContextHook = dyn Fn(&ProviderRecord, &ProviderContext) -> ProviderContext + Send + Sync;
type LayersHook =
    dyn Fn(&ProviderRecord, Arc<dyn LlmProvider>) -> Result<Arc<dyn LlmProvider>, Error> + Send + Sync;

#[derive(Default)]
struct Slots(Mutex<SlotMap>);

#[derive(Default)]
struct SlotMap {
    slots: HashMap<String, (Arc<Slot>, u64)>,
    /// Counts uses, which tells who was used last.
    uses: u64,
}

/// The place of one workspace.
#[derive(Default)]
struct Slot {
    connected: Mutex<Option<Arc<ConnectedWorkspace>>>,
    is_stale: AtomicBool,
    /// Held while the workspace is connected, so that it is connected once for all who wait.
    connecting: tokio::sync::Mutex<()>,
}

/// A workspace with its providers connected, as they were configured at one moment.
pub struct ConnectedWorkspace {
    record: WorkspaceRecord,
    workspace: Workspace,
    providers: BTreeMap<String, Connected>,
}

struct Connected {
    record: ProviderRecord,
    settings: ConnectedSettings,
    error: Option<Arc<StoreError>>,
}

impl Connections {
    /// The workspaces of a store, connected with the providers of a registry. At most 1000 are kept.
    pub fn new(store: Store, registry: Registry) -> Self {
        let hooks = Hooks {
            max_workspaces: 1000,
            configure: Arc::new(|workspace| workspace),
            context: Arc::new(|_, context| context.clone()),
            layers: Arc::new(|_, provider| Ok(provider)),
        };
        Self::build(store, registry, hooks)
    }

    /// Keeps at most so many workspaces. This and the methods below are for a `Connections` that has no
    /// clones yet: clones keep what they have.
    #[must_use]
    pub fn max_workspaces(self, count: usize) -> Self {
        self.with(|hooks| hooks.max_workspaces = count.max(1))
    }

    /// Configures every workspace before providers are added: how long catalogues are fresh, where they are
    /// stored.
    #[must_use]
    pub fn configure(self, configure: impl Fn(Workspace) -> Workspace + Send + Sync + 'static) -> Self {
        self.with(|hooks| hooks.configure = Arc::new(configure))
    }

    /// Sets the context that each provider is connected with, made of the [registry's
    /// own](Registry::provider_context): an HTTP client with a network guard for the providers of one
    /// workspace and another client for those of the next. Default: the registry's.
    ///
    /// ```
    /// # use provider_registry::Registry;
    /// # use workspace_store::{Connections, Store};
    /// #[derive(Clone)]
    /// struct Guard; // stands for an HTTP client of the host
    ///
    /// # fn connections(store: Store, registry: Registry, guard: Guard) -> Connections {
    /// Connections::new(store, registry).context(move |provider, context| match &*provider.workspace {
    ///     "operators" => context.clone(),
    ///     _ => context.clone().with(guard.clone()),
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn context(
        self,
        context: impl Fn(&ProviderRecord, &ProviderContext) -> ProviderContext + Send + Sync + 'static,
    ) -> Self {
        self.with(|hooks| hooks.context = Arc::new(context))
    }

    /// Puts layers of the host around each provider, once for each connection:
    /// `|record, provider| Ok(Stack::new(provider).layer(…).build())`. They stand outside of the [standard
    /// layers](Registry::connect), so that they see a call and not its attempts. Their state lives as long as
    /// the connection, also while other providers of the workspace change. An error is the
    /// [provider's](ConnectedWorkspace::error).
    #[must_use]
    pub fn layers(
        self,
        layers: impl Fn(&ProviderRecord, Arc<dyn LlmProvider>) -> Result<Arc<dyn LlmProvider>, Error>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.with(|hooks| hooks.layers = Arc::new(layers))
    }

    fn with(self, change: impl FnOnce(&mut Hooks)) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(Shared { store, registry, mut hooks, .. }) => {
                change(&mut hooks);
                Self::build(store, registry, hooks)
            }
            // Another clone is in use already, with its own hooks.
            Err(shared) => Self(shared),
        }
    }

    fn build(store: Store, registry: Registry, hooks: Hooks) -> Self {
        let slots = Arc::new(Slots::default());
        let watcher: Weak<Slots> = Arc::downgrade(&slots);
        store.0.watch(watcher);
        Self(Arc::new(Shared { store, registry, hooks, slots }))
    }

    /// Returns a workspace with its providers connected.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and those of the database while the workspace is not connected yet. A
    /// provider that does not connect is no error here: see [`ConnectedWorkspace::error`].
    pub async fn workspace(&self, id: &str) -> Result<Arc<ConnectedWorkspace>> {
        let slot = self.0.slots.slot(id, self.0.hooks.max_workspaces);
        if let Some(connected) = slot.fresh() {
            return Ok(connected);
        }
        // No call waits for a database that is known to be away.
        if let Some(before) = lock(&slot.connected).clone().filter(|_| self.0.store.0.is_away()) {
            return Ok(before);
        }
        let _connecting = slot.connecting.lock().await;
        if let Some(connected) = slot.fresh() {
            return Ok(connected);
        }
        // A change that is heard of from here on makes it stale again.
        slot.is_stale.store(false, Ordering::SeqCst);
        let before = lock(&slot.connected).clone();
        match self.connect(id, before.as_deref()).await {
            Ok(None) => before.ok_or_else(|| StoreError::not_found(RecordKind::Workspace, id)),
            Ok(Some(connected)) => {
                let connected = Arc::new(connected);
                *lock(&slot.connected) = Some(connected.clone());
                Ok(connected)
            }
            Err(error) => {
                slot.is_stale.store(true, Ordering::SeqCst);
                match before.filter(|_| error.is_unavailable()) {
                    Some(before) => Ok(before),
                    None => {
                        self.0.slots.forget(id);
                        Err(error)
                    }
                }
            }
        }
    }

    /// How many workspaces are connected.
    pub fn len(&self) -> usize {
        let slots = lock(&self.0.slots.0);
        slots.slots.values().filter(|(slot, _)| lock(&slot.connected).is_some()).count()
    }

    /// Whether no workspace is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Connects a workspace; `None` if it is as it was.
    async fn connect(
        &self,
        id: &str,
        before: Option<&ConnectedWorkspace>,
    ) -> Result<Option<ConnectedWorkspace>> {
        let Shared { store, hooks, .. } = &*self.0;
        let record = store.workspace(id).await?;
        let stored = store.stored_providers(id).await?;
        if before.is_some_and(|before| {
            let now = stored.iter().map(|provider| (&provider.record, provider.connected_settings()));
            let then = before.providers.values().map(|was| (&was.record, was.settings.clone()));
            before.record == record
                && now.eq(then)
                && before.providers.values().all(|was| was.error.is_none())
        }) {
            return Ok(None);
        }
        let mut workspace = (hooks.configure)(Workspace::new(id));
        if let Some(provider) = &record.unlisted_models {
            workspace = workspace.unlisted_models(provider);
        }
        let mut providers = BTreeMap::new();
        for provider in stored {
            let (id, settings) = (provider.record.id.clone(), provider.connected_settings());
            let added = match before.and_then(|before| before.kept(&id, &settings)) {
                Some(instance) => {
                    workspace.add_instance(instance.clone()).map(drop).map_err(StoreError::from)
                }
                None => self.connect_provider(&provider).and_then(|connected| {
                    workspace.add_provider(&id, connected)?;
                    Ok(())
                }),
            };
            let error = added.err().map(Arc::new);
            providers.insert(id, Connected { record: provider.record, settings, error });
        }
        Ok(Some(ConnectedWorkspace { record, workspace, providers }))
    }

    fn connect_provider(&self, provider: &StoredProvider) -> Result<Arc<dyn LlmProvider>> {
        let Shared { store, registry, hooks, .. } = &*self.0;
        let context = (hooks.context)(&provider.record, registry.provider_context());
        let values = provider.values(&store.0.keys)?;
        let connected = registry.clone().context(context).connect(&provider.record.kind, values)?;
        Ok((hooks.layers)(&provider.record, connected)?)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("connected", &self.len()).finish_non_exhaustive()
    }
}

impl ConnectedWorkspace {
    /// The settings of the workspace.
    pub fn record(&self) -> &WorkspaceRecord {
        &self.record
    }

    /// The settings of its providers, by id.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderRecord> {
        self.providers.values().map(|provider| &provider.record)
    }

    /// The connected providers. It finds models whether or not they are enabled.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The error of a provider that is configured and does not connect: a secret that does not open, settings
    /// of another version, a kind that is not linked in.
    pub fn error(&self, provider: &str) -> Option<&StoreError> {
        self.providers.get(provider)?.error.as_deref()
    }

    /// The instance of a provider that is connected with these settings.
    fn kept(&self, provider: &str, settings: &ConnectedSettings) -> Option<&Instance> {
        let is_same = self.providers.get(provider).is_some_and(|was| was.settings == *settings);
        self.workspace.instance(provider).ok().filter(|_| is_same)
    }

    /// Finds the model of an agent node's selection, as [`Workspace::model`] does, among the models that are
    /// enabled.
    ///
    /// # Errors
    /// [`StoreError::NotEnabled`], or those of [`Workspace::model`].
    pub async fn model(&self, text: &str) -> Result<SelectedModel> {
        let model = self.workspace.model(text).await?;
        let provider = self.providers.get(&model.reference().provider);
        if provider.is_some_and(|provider| !provider.record.is_enabled(model.id())) {
            let reference = model.reference().clone();
            return Err(StoreError::NotEnabled { provider: reference.provider, model: reference.model });
        }
        Ok(model)
    }

    /// Checks that a request to this model reaches no other that is not enabled: by the service's own
    /// fallbacks, presets, plugins and tools. Where all models are enabled, nothing is looked at.
    ///
    /// # Errors
    /// [`StoreError::NotEnabled`], or [`StoreError::AnyModel`] where the service chooses.
    pub fn check_reach(&self, model: &SelectedModel, request: &ChatRequest) -> Result<()> {
        let provider = self.providers.get(&model.reference().provider).map(|provider| &provider.record);
        let Some(record) = provider.filter(|record| record.enabled_models.is_some()) else { return Ok(()) };
        for other in model.provider().descriptor().other_models(request) {
            match other.model {
                Some(model) if record.is_enabled(&model) => {}
                Some(model) => return Err(StoreError::NotEnabled { provider: record.id.clone(), model }),
                None => {
                    return Err(StoreError::AnyModel { provider: record.id.clone(), field: other.field });
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ConnectedWorkspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectedWorkspace")
            .field("record", &self.record)
            .field("providers", &self.providers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Slots {
    /// The place of a workspace, which counts as used now. Beyond the bound, the one that was not used for
    /// the longest time goes.
    fn slot(&self, id: &str, max: usize) -> Arc<Slot> {
        let mut map = lock(&self.0);
        map.uses += 1;
        let now = map.uses;
        if let Some((slot, used)) = map.slots.get_mut(id) {
            *used = now;
            return slot.clone();
        }
        while map.slots.len() >= max {
            let Some(oldest) = map.slots.iter().min_by_key(|(_, (_, used))| *used).map(|(id, _)| id.clone())
            else {
                break;
            };
            map.slots.remove(&oldest);
        }
        let slot = Arc::new(Slot::default());
        map.slots.insert(id.to_owned(), (slot.clone(), now));
        slot
    }

    fn forget(&self, id: &str) {
        lock(&self.0).slots.remove(id);
    }
}

impl Watch for Slots {
    fn changed(&self, change: &Change) {
        let is_of_providers = match change {
            Change::Of { kind, .. } => matches!(kind, RecordKind::Workspace | RecordKind::Provider),
            Change::Everything => true,
        };
        if is_of_providers {
            let map = lock(&self.0);
            let concerned = map.slots.iter().filter(|(id, _)| change.concerns(id));
            concerned.for_each(|(_, (slot, _))| slot.is_stale.store(true, Ordering::SeqCst));
        }
    }
}

impl Slot {
    fn fresh(&self) -> Option<Arc<ConnectedWorkspace>> {
        let connected = lock(&self.connected).clone();
        connected.filter(|_| !self.is_stale.load(Ordering::SeqCst))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code panics while it holds one of these.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
