//! The kit: a provider to test, and how.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use provider_core::{Capability, ConfigValues, Error, LlmProvider};
use provider_layers::{RetrySettings, StandardSettings, standard};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::cases::{Case, cases};
use crate::panics;
use crate::report::{CaseReport, Outcome, Report};
use crate::trial::{Trial, Verdict};
use crate::wire::{ChatCompletions, Route, Wire};

/// The key that the kit hands out: no other text of a case has it.
pub(crate) const KEY: &str = "sk-conformance-7c1e90b2d4";

/// A provider to test: its constructor, its wire, and the cases that do not apply.
///
/// ```
/// # use std::sync::Arc;
/// # use provider_core::{Error, LlmProvider};
/// use openrouter_provider::{Limits, OpenRouter};
/// use provider_conformance::{At, ChatCompletions, Kit};
/// use provider_http::HttpLimits;
///
/// fn connect(at: At) -> Result<Arc<dyn LlmProvider>, Error> {
///     let limits = HttpLimits::default()
///         .max_body_bytes(at.max_bytes)
///         .max_frame_bytes(at.max_bytes)
///         .max_error_bytes(at.max_bytes.min(16 << 10));
///     Ok(Arc::new(OpenRouter::builder().values(at.values()).limits(limits).build()?))
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// let kit = Kit::new(|at| async { connect(at) })
///     .wire(ChatCompletions)
///     .beside("/key", r#"{"data":{"label":"test"}}"#);
/// let report = kit.only("law").run().await;
/// report.assert_all();
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Kit {
    pub(crate) connect: Connect,
    pub(crate) wire: Arc<dyn Wire>,
    pub(crate) model: String,
    pub(crate) patience: Duration,
    pub(crate) is_keyless: bool,
    pub(crate) is_unlisted: bool,
    pub(crate) beside: Vec<(String, String)>,
    has_layers: bool,
    has_second_run: bool,
    only: Option<String>,
    places: Vec<(String, String)>,
    skips: Vec<(String, String)>,
}

type Connected = Pin<Box<dyn Future<Output = Result<Arc<dyn LlmProvider>, Error>> + Send>>;
type Connect = Arc<dyn Fn(At) -> Connected + Send + Sync>;

/// The place and the limits that a provider is made for: a server of the kit, for one case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct At {
    /// The base URL. It has no path, and no slash at its end.
    pub url: String,
    /// The API key.
    pub key: String,
    /// How long the provider is to wait for bytes that do not come, the connection included: its read
    /// timeout. Long in cases that do not wait for it, so that a busy machine fails none of them.
    pub patience: Duration,
    /// How long the provider is to wait for the end of an answer that goes on: its total timeout.
    pub total: Duration,
    /// How large the provider is to let a frame and an answer get, in bytes.
    pub max_bytes: usize,
}

impl At {
    /// The settings under their usual keys: `base_url`, `api_key`, `connect_timeout`, `read_timeout` and
    /// `total_timeout`, in seconds. There is no usual key for `max_bytes`.
    pub fn values(&self) -> ConfigValues {
        ConfigValues::new()
            .set("base_url", &self.url)
            .set("api_key", &self.key)
            .set("connect_timeout", self.patience.as_secs_f64().to_string())
            .set("read_timeout", self.patience.as_secs_f64().to_string())
            .set("total_timeout", self.total.as_secs_f64().to_string())
    }
}

impl Kit {
    /// A kit for the provider that `connect` makes, one for each case. It speaks [`ChatCompletions`], unless
    /// [`wire`](Self::wire) says otherwise.
    pub fn new<F>(connect: impl Fn(At) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Arc<dyn LlmProvider>, Error>> + Send + 'static,
    {
        Self {
            connect: Arc::new(move |at| Box::pin(connect(at))),
            wire: Arc::new(ChatCompletions),
            model: "acme/model-1".to_owned(),
            patience: Duration::from_secs(1),
            is_keyless: false,
            is_unlisted: false,
            beside: Vec::new(),
            has_layers: true,
            has_second_run: true,
            only: None,
            places: Vec::new(),
            skips: Vec::new(),
        }
    }

    /// Sets the wire that the provider speaks.
    pub fn wire(mut self, wire: impl Wire) -> Self {
        self.wire = Arc::new(wire);
        self
    }

    /// Says where in a body a parameter stands, as a JSON pointer, if this service has another place for it
    /// than the [wire](Self::wire): `.place("max_tokens", "/max_completion_tokens")`. The value is the same.
    /// `name` is one of [`Wire::places`].
    pub fn place(mut self, name: impl Into<String>, pointer: impl Into<String>) -> Self {
        self.places.push((name.into(), pointer.into()));
        self
    }

    /// Sets the model to ask, where the provider does not take every id. Default: `acme/model-1`.
    pub fn model(mut self, id: impl Into<String>) -> Self {
        self.model = id.into();
        self
    }

    /// Says that the provider has no key, as one for a local server may: the cases about keys are skipped.
    pub fn keyless(mut self) -> Self {
        self.is_keyless = true;
        self
    }

    /// Says that the service has no list of models, so that [`models`](LlmProvider::models) has nothing to
    /// fetch: the cases about lists are skipped.
    pub fn unlisted(mut self) -> Self {
        self.is_unlisted = true;
        self
    }

    /// Has the server answer a `GET` of a path that ends so with this JSON, where it is neither a chat nor
    /// the list of models: the record of a key, for example, that the connection test reads.
    pub fn beside(mut self, path: impl Into<String>, json: impl Into<String>) -> Self {
        self.beside.push((path.into(), json.into()));
        self
    }

    /// Leaves out a case, by its name, and says why in the report. A name that no case has is reported as
    /// broken.
    pub fn skip(mut self, case: impl Into<String>, reason: impl Into<String>) -> Self {
        self.skips.push((case.into(), reason.into()));
        self
    }

    /// Sets how long a provider waits in the cases where nothing comes. A whole run takes about ten times as
    /// long. Default: 1 s.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Leaves out the cases behind the standard layers of `provider-layers`.
    pub fn without_layers(mut self) -> Self {
        self.has_layers = false;
        self
    }

    /// Leaves out the second run of the cases that depend on time: see [`run`](Self::run).
    pub fn without_second_run(mut self) -> Self {
        self.has_second_run = false;
        self
    }

    /// Runs only the cases whose name begins so: a group (`law`), or one case (`law: one_end`).
    pub fn only(mut self, prefix: impl Into<String>) -> Self {
        self.only = Some(prefix.into());
        self
    }

    /// Runs the cases, some at the same time: first with the provider as it is, then behind the standard
    /// layers. Needs a tokio runtime with I/O and time.
    ///
    /// A chat comes first: if the provider asks for something that is no chat on the [wire](Self::wire), the
    /// report says so in one line, and no case is run.
    ///
    /// A case that depends on time and fails is run again when all others are over, with four times the
    /// patience, so that a busy machine fails none. Three that fail again end this: then it is the provider.
    pub async fn run(self) -> Report {
        /// Each case has a server and a provider, and many of them only wait.
        const AT_ONCE: usize = 24;

        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let layers: &[bool] = if self.has_layers { &[false, true] } else { &[false] };
        let is_chosen = |case: &&Case| self.only.as_ref().is_none_or(|only| case.name().starts_with(only));
        let chosen: Vec<(&'static Case, bool)> = layers
            .iter()
            .flat_map(|layers| cases().filter(is_chosen).map(move |case| (case, *layers)))
            .filter(|(case, behind_layers)| case.has_layers || !behind_layers)
            .collect();
        if chosen.iter().any(|(case, _)| case.capability == Some(Capability::Llm)) {
            if let Some(seen) = self.first_chat().await {
                return self.without_a_chat(seen, &chosen);
            }
        }
        let mut running = Vec::new();
        for (case, behind_layers) in chosen {
            let (kit, permits) = (self.clone(), Arc::clone(&permits));
            let run = tokio::spawn(async move {
                let _permit = permits.acquire_owned().await;
                kit.run_case(case, behind_layers, 1).await
            });
            running.push((case, behind_layers, run));
        }
        let mut ended = Vec::new();
        for (case, behind_layers, run) in running {
            let run = run.await.unwrap_or_else(|panic| Run::broken(panic.to_string()));
            ended.push((case, behind_layers, run));
        }
        let mut failed_again = 0;
        for (case, behind_layers, run) in &mut ended {
            if self.has_second_run && run.is_broken() && run.is_timed && failed_again < 3 {
                *run = self.run_case(case, *behind_layers, 4).await;
                failed_again += usize::from(run.is_broken());
            }
        }
        let reports = ended.into_iter().map(|(case, layers, run)| case.report(layers, run.outcome, run.time));
        let cases = reports.chain(self.unknown_skips()).collect();
        Report { wire: self.wire.name(), cases }
    }

    /// Runs the one case of this name, alone and behind the layers, in a runtime of its own: for the tests
    /// that [`conformance_tests!`](crate::conformance_tests) makes.
    ///
    /// # Panics
    /// When the provider breaks the promise.
    #[doc(hidden)]
    #[track_caller]
    pub fn assert_case(self, name: &str) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        match runtime {
            Ok(runtime) => {
                let mut report = runtime.block_on(self.clone().only(name).run());
                report.cases.retain(|case| case.name == name || case.name == FIRST_CHAT);
                assert!(!report.cases.is_empty(), "there is no case {name}");
                report.print_skipped();
                report.assert_all();
            }
            Err(error) => panic!("no runtime for the case: {error}"),
        }
    }

    /// Runs all cases, and prints the figures and why cases were skipped: for the ignored test that
    /// [`conformance_tests!`](crate::conformance_tests) makes.
    ///
    /// # Panics
    /// When the provider breaks a promise.
    #[doc(hidden)]
    #[track_caller]
    pub fn print_report(self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        match runtime {
            Ok(runtime) => {
                let report = runtime.block_on(self.run());
                report.print_figures();
                report.assert_all();
            }
            Err(error) => panic!("no runtime for the cases: {error}"),
        }
    }

    /// Checks that every skip names a case: for the tests that
    /// [`conformance_tests!`](crate::conformance_tests) makes.
    ///
    /// # Panics
    /// When one does not.
    #[doc(hidden)]
    #[track_caller]
    pub fn assert_skips(self) {
        Report { wire: self.wire.name(), cases: self.unknown_skips().collect() }.assert_all();
    }

    /// The places of a parameter in a body: those of the service, or else those of the wire.
    pub(crate) fn places(&self, name: &str, marker: &Value) -> Vec<(String, Value)> {
        let own = self.places.iter().filter(|(placed, _)| placed == name);
        let own: Vec<_> = own.map(|(_, pointer)| (pointer.clone(), marker.clone())).collect();
        if own.is_empty() { self.wire.places(name, marker) } else { own }
    }

    /// Runs a case once. With `slack`, everything may take so many times as long.
    async fn run_case(&self, case: &'static Case, behind_layers: bool, slack: u32) -> Run {
        let started = Instant::now();
        let skip = self.skips.iter().find(|(skipped, _)| *skipped == case.name());
        if let Some((_, reason)) = skip {
            return Run::ended(Outcome::Skipped { reason: reason.clone() });
        }
        let kit = Self { patience: self.patience * slack, ..self.clone() };
        let trial = Trial::new(&kit, case.capability, behind_layers, slack);
        let outcome = match timeout(trial.limit(), panics::caught((case.run)(&trial))).await {
            Ok(Ok(Ok(()))) => Outcome::Kept,
            Ok(Ok(Err(Verdict::Broken(seen)))) => Outcome::Broken { seen },
            Ok(Ok(Err(Verdict::Skip(reason)))) => Outcome::Skipped { reason },
            Ok(Err(panic)) => Outcome::Broken { seen: panic },
            Err(_) => {
                trial.depends_on_time();
                let seen = format!("still not over after {:?}; {}", trial.limit(), trial.log.shown());
                Outcome::Broken { seen }
            }
        };
        Run { outcome, time: started.elapsed(), is_timed: trial.is_timed() }
    }

    /// Sends a chat, and tells if the provider asked for something else on this wire.
    async fn first_chat(&self) -> Option<String> {
        let trial = Trial::new(self, Some(Capability::Llm), false, 1);
        // Whatever else goes wrong is a matter of the cases.
        let chat = async {
            let stage = trial.plain_stage().await.ok()?;
            let outcome = stage.provider.chat(&trial.request()).await;
            let is_chat = !stage.asked(Route::Chat).is_empty();
            let asked = stage.server.requests().into_iter().next().filter(|_| !is_chat)?;
            let path = asked.path.split('?').next().unwrap_or_default().to_owned();
            let (method, wire) = (asked.method, self.wire.name());
            let end = outcome.map_or_else(|error| error.to_string(), |_| "an answer".to_owned());
            Some(format!("{method} {path} is no chat on the wire \"{wire}\": see `Wire::route`; {end}"))
        };
        timeout(trial.limit(), panics::caught(chat)).await.ok()?.ok()?
    }

    /// The report of a provider that asks for no chat on this wire.
    fn without_a_chat(&self, seen: String, chosen: &[(&'static Case, bool)]) -> Report {
        let first = CaseReport {
            name: FIRST_CHAT.to_owned(),
            promise: "",
            behind_layers: false,
            time: Duration::ZERO,
            outcome: Outcome::Broken { seen },
        };
        let reason = "the first chat was none on this wire".to_owned();
        let skipped = Outcome::Skipped { reason };
        let rest = chosen.iter().map(|(case, layers)| case.report(*layers, skipped.clone(), Duration::ZERO));
        let cases = std::iter::once(first).chain(rest).chain(self.unknown_skips()).collect();
        Report { wire: self.wire.name(), cases }
    }

    /// Puts the standard layers around a provider. They retry, but hardly wait.
    pub(crate) fn layered(&self, provider: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
        let brief = Duration::from_millis(1);
        let retry = RetrySettings::default().max_attempts(2).initial_delay(brief).max_retry_after(brief);
        standard(provider, &StandardSettings::default().retry(retry))
    }

    /// A misspelt skip would go unnoticed.
    fn unknown_skips(&self) -> impl Iterator<Item = CaseReport> {
        let unknown = self.skips.iter().filter(|(skipped, _)| cases().all(|case| case.name() != *skipped));
        unknown.map(|(skipped, _)| CaseReport {
            name: skipped.clone(),
            promise: "",
            behind_layers: false,
            time: Duration::ZERO,
            outcome: Outcome::Broken { seen: "no case has this name".to_owned() },
        })
    }
}

/// The line of a report that stands before the cases, where the first chat was none.
const FIRST_CHAT: &str = "first chat";

/// A case that was run.
struct Run {
    outcome: Outcome,
    time: Duration,
    /// Whether a busy machine can have failed it.
    is_timed: bool,
}

impl Run {
    fn ended(outcome: Outcome) -> Self {
        Self { outcome, time: Duration::ZERO, is_timed: false }
    }

    fn broken(seen: String) -> Self {
        Self::ended(Outcome::Broken { seen })
    }

    fn is_broken(&self) -> bool {
        matches!(self.outcome, Outcome::Broken { .. })
    }
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit")
            .field("wire", &self.wire)
            .field("model", &self.model)
            .field("patience", &self.patience)
            .field("skips", &self.skips)
            .finish_non_exhaustive()
    }
}
