//! The state that the request handlers share.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::catalogue::Catalogue;
use crate::clock;
use crate::completion::Completion;
use crate::cost::Usd;
use crate::generation::Generation;
use crate::pkce::Grant;
use crate::record::{BoundedLog, RecordedRequest};
use crate::response_cache::{CacheHit, CacheKey, CacheOptions, ResponseCache};
use crate::rng::Rng;

/// The settings of the builder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) token_delay: Duration,
    pub(crate) slow_first_token: Duration,
    pub(crate) auth_code_life: Duration,
    pub(crate) access_token_life: Duration,
    /// Whether requests for a model go to its endpoints in turn.
    pub(crate) balances_load: bool,
}

/// The state of one sandbox.
#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) settings: Settings,
    pub(crate) catalogue: Catalogue,
    pub(crate) open_streams: Arc<AtomicUsize>,
    requests: Mutex<BoundedLog<RecordedRequest>>,
    generations: Mutex<BoundedLog<Generation>>,
    spent: Mutex<Usd>,
    cache: Mutex<ResponseCache>,
    grants: Mutex<BoundedLog<(String, Grant)>>,
    grant_count: AtomicU64,
    generation_count: AtomicU64,
    /// The requests that were balanced.
    balanced: AtomicUsize,
    /// Whether the next request to `sandbox/flaky` succeeds.
    flaky_succeeds: AtomicBool,
}

impl AppState {
    pub(crate) fn new(settings: Settings, catalogue: Catalogue) -> Self {
        Self {
            settings,
            catalogue,
            open_streams: Arc::default(),
            requests: Mutex::default(),
            generations: Mutex::default(),
            spent: Mutex::default(),
            cache: Mutex::default(),
            grants: Mutex::default(),
            grant_count: AtomicU64::new(0),
            generation_count: AtomicU64::new(0),
            balanced: AtomicUsize::new(0),
            flaky_succeeds: AtomicBool::new(false),
        }
    }

    /// The id and the creation time of the next generation.
    pub(crate) fn next_generation(&self) -> (String, u64) {
        let count = self.generation_count.fetch_add(1, Ordering::SeqCst);
        let created = clock::START + count;
        let letters = Rng::new(self.settings.seed, &format!("generation {count}")).alphanumeric(20);
        (format!("gen-{created}-{letters}"), created)
    }

    /// Whether this request to `sandbox/flaky` succeeds: false, true, false, …
    pub(crate) fn flaky_succeeds(&self) -> bool {
        self.flaky_succeeds.fetch_xor(true, Ordering::SeqCst)
    }

    /// The place among a model's endpoints of the one that serves this request: 0, or the next one where the
    /// load is balanced.
    pub(crate) fn turn(&self) -> usize {
        if self.settings.balances_load { self.balanced.fetch_add(1, Ordering::SeqCst) } else { 0 }
    }

    pub(crate) fn record(&self, request: RecordedRequest) {
        lock(&self.requests).push(request);
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        lock(&self.requests).iter().cloned().collect()
    }

    /// Stores the record of a generation, and adds its cost.
    pub(crate) fn record_generation(&self, generation: Generation, cost: Usd) {
        lock(&self.generations).push(generation);
        let mut spent = lock(&self.spent);
        *spent = spent.plus(cost);
    }

    pub(crate) fn generation(&self, id: &str) -> Option<Value> {
        lock(&self.generations).iter().find(|known| known.id == id).map(|known| known.record.clone())
    }

    /// The number of generations of free models.
    pub(crate) fn free_generations(&self) -> usize {
        let is_free = |known: &&Generation| {
            known.record["model"].as_str().is_some_and(|model| model.ends_with(":free"))
        };
        lock(&self.generations).iter().filter(is_free).count()
    }

    /// The stored completion for this key, if there is one.
    pub(crate) fn cached(&self, key: &CacheKey, options: CacheOptions) -> Option<CacheHit> {
        lock(&self.cache).find(key, options)
    }

    /// Stores a completion under this key.
    pub(crate) fn cache(&self, key: CacheKey, completion: Completion, ttl: Duration) {
        lock(&self.cache).keep(key, completion, ttl);
    }

    /// Keeps a grant, and returns its code.
    pub(crate) fn grant(&self, grant: Grant) -> String {
        let count = self.grant_count.fetch_add(1, Ordering::SeqCst);
        let code = format!("auth_code_{}", Rng::new(self.settings.seed, &format!("grant {count}")).hex(32));
        lock(&self.grants).push((code.clone(), grant));
        code
    }

    /// The id of the next access token.
    pub(crate) fn next_access_token(&self) -> String {
        let count = self.grant_count.fetch_add(1, Ordering::SeqCst);
        Rng::new(self.settings.seed, &format!("access token {count}")).hex(32)
    }

    /// Uses a code up. Returns the key that it is given for; `None` if it is not good.
    pub(crate) fn redeem(&self, code: &str, verifier: Option<&str>, method: Option<&str>) -> Option<String> {
        let mut grants = lock(&self.grants);
        let (code, grant) = grants.iter_mut().find(|(known, _)| known == code)?;
        let is_good = grant.redeem(verifier, method, self.settings.auth_code_life);
        is_good.then(|| format!("sk-or-v1-{}", Rng::new(self.settings.seed, code).hex(64)))
    }

    /// The cost of all generations.
    pub(crate) fn total_cost(&self) -> Usd {
        *lock(&self.spent)
    }
}

/// Locks a mutex. A holder that panicked leaves consistent data, since every change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
