//! Counts for Prometheus. Labels are of this crate alone: routes, statuses and words of the code, so that no
//! request adds a series.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use workspace_store::{Run, StoreError};

use crate::routes::ROUTES;
use crate::state::Shared;

/// The counts of a server.
pub(crate) struct Metrics {
    /// The place of each path in `requests`.
    routes: HashMap<&'static str, usize>,
    /// By path, then by status. The last is for requests that match no path.
    requests: Vec<Mutex<BTreeMap<u16, u64>>>,
    connections: Gauge,
    connections_refused: AtomicU64,
    open_requests: Gauge,
    open_streams: Gauge,
    limited: AtomicU64,
    wrong_tokens: AtomicU64,
    wrong_tokens_limited: AtomicU64,
    overloaded: AtomicU64,
    slow_bodies: AtomicU64,
    first_output: Histogram,
    runs: AtomicU64,
    failed_runs: AtomicU64,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
    /// In billionths of a dollar.
    cost: AtomicU64,
    budget_refusals: AtomicU64,
}

/// A number that goes up and down.
#[derive(Clone, Default)]
pub(crate) struct Gauge(Arc<AtomicI64>);

/// One more in a gauge, as long as it lives.
pub(crate) struct Counted(Gauge);

impl Gauge {
    fn enter(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    pub(crate) fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The path of requests that match none.
pub(crate) const UNMATCHED: &str = "unmatched";

/// The bounds of the histogram of times to the first output, in milliseconds.
const BOUNDS_MS: [u64; 11] = [50, 100, 200, 400, 800, 1_500, 3_000, 6_000, 12_000, 30_000, 60_000];

#[derive(Default)]
struct Histogram {
    /// Of each bound those at or below it and above the one before; the last has the rest.
    counts: [AtomicU64; BOUNDS_MS.len() + 1],
    sum_ms: AtomicU64,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut routes = HashMap::new();
        for route in ROUTES {
            let next = routes.len();
            routes.entry(route.path).or_insert(next);
        }
        let requests = (0..=routes.len()).map(|_| Mutex::default()).collect();
        Self {
            routes,
            requests,
            connections: Gauge::default(),
            connections_refused: AtomicU64::new(0),
            open_requests: Gauge::default(),
            open_streams: Gauge::default(),
            limited: AtomicU64::new(0),
            wrong_tokens: AtomicU64::new(0),
            wrong_tokens_limited: AtomicU64::new(0),
            overloaded: AtomicU64::new(0),
            slow_bodies: AtomicU64::new(0),
            first_output: Histogram::default(),
            runs: AtomicU64::new(0),
            failed_runs: AtomicU64::new(0),
            prompt_tokens: AtomicU64::new(0),
            completion_tokens: AtomicU64::new(0),
            cost: AtomicU64::new(0),
            budget_refusals: AtomicU64::new(0),
        }
    }

    /// Counts the answer of a request whose path matched this one of the table.
    pub(crate) fn request(&self, path: Option<&str>, status: u16) {
        let place = path.and_then(|path| self.routes.get(path)).copied().unwrap_or(self.routes.len());
        if let Some(counts) = self.requests.get(place) {
            *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
        }
    }

    pub(crate) fn connection(&self) -> Counted {
        self.connections.enter()
    }

    pub(crate) fn connection_refused(&self) {
        add(&self.connections_refused, 1);
    }

    pub(crate) fn open_request(&self) -> Counted {
        self.open_requests.enter()
    }

    pub(crate) fn open_requests(&self) -> i64 {
        self.open_requests.get()
    }

    pub(crate) fn open_stream(&self) -> Counted {
        self.open_streams.enter()
    }

    pub(crate) fn limited(&self) {
        add(&self.limited, 1);
    }

    pub(crate) fn wrong_token(&self, is_limited: bool) {
        add(&self.wrong_tokens, 1);
        add(&self.wrong_tokens_limited, u64::from(is_limited));
    }

    pub(crate) fn overloaded(&self) {
        add(&self.overloaded, 1);
    }

    pub(crate) fn slow_body(&self) {
        add(&self.slow_bodies, 1);
    }

    /// Counts a reservation that failed, if a budget refused it.
    pub(crate) fn not_reserved(&self, error: &StoreError) {
        if matches!(error, StoreError::Budget(_)) {
            add(&self.budget_refusals, 1);
        }
    }

    /// Counts a run that is over.
    pub(crate) fn run(&self, run: &Run) {
        add(&self.runs, 1);
        add(&self.failed_runs, u64::from(run.error_kind.is_some()));
        add(&self.prompt_tokens, run.prompt_tokens.unwrap_or(0));
        add(&self.completion_tokens, run.completion_tokens.unwrap_or(0));
        if let Some(cost) = run.cost {
            // A float becomes the nearest integer within the range.
            add(&self.cost, (cost.as_f64() * 1e9).round() as u64);
        }
        if let Some(time) = run.first_output_ms {
            let place = BOUNDS_MS.iter().position(|bound| time <= *bound).unwrap_or(BOUNDS_MS.len());
            add(&self.first_output.counts[place], 1);
            add(&self.first_output.sum_ms, time);
        }
    }

    /// All counts in Prometheus' text format, version 0.0.4.
    pub(crate) fn text(&self, shared: &Shared) -> String {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut page = Page(String::with_capacity(4096));
        page.head("host_http_requests_total", "counter", "Requests by route and status.");
        let unmatched = (&UNMATCHED, &self.routes.len());
        let sorted: BTreeMap<_, _> = self.routes.iter().chain([unmatched]).collect();
        for (route, place) in sorted {
            let Some(counts) = self.requests.get(*place) else { continue };
            for (status, count) in &*counts.lock().unwrap_or_else(PoisonError::into_inner) {
                page.line(
                    &format!("host_http_requests_total{{route=\"{route}\",status=\"{status}\"}}"),
                    count,
                );
            }
        }
        page.one("host_http_connections", "gauge", "Open connections.", self.connections.get());
        page.one(
            "host_http_connections_refused_total",
            "counter",
            "Connections beyond the most that are served.",
            read(&self.connections_refused),
        );
        page.one("host_http_open_requests", "gauge", "Requests under way.", self.open_requests.get());
        page.one("host_open_streams", "gauge", "Answers that stream.", self.open_streams.get());
        page.one(
            "host_rate_limited_total",
            "counter",
            "Requests beyond the limits of their token.",
            read(&self.limited),
        );
        page.one(
            "host_wrong_tokens_total",
            "counter",
            "Requests with a wrong token.",
            read(&self.wrong_tokens),
        );
        page.one(
            "host_wrong_tokens_limited_total",
            "counter",
            "Those beyond the limit of their address.",
            read(&self.wrong_tokens_limited),
        );
        page.one(
            "host_overloaded_total",
            "counter",
            "Requests beyond the most that are worked on.",
            read(&self.overloaded),
        );
        page.one(
            "host_slow_bodies_total",
            "counter",
            "Requests whose body did not come in time.",
            read(&self.slow_bodies),
        );
        let name = "host_time_to_first_output_seconds";
        page.head(name, "histogram", "Time from the request to the provider to the first output.");
        let mut total = 0;
        for (place, count) in self.first_output.counts.iter().enumerate() {
            total += read(count);
            match BOUNDS_MS.get(place) {
                Some(bound) => {
                    let bound = Seconds(*bound);
                    page.line(&format!("{name}_bucket{{le=\"{bound}\"}}"), total);
                }
                None => page.line(&format!("{name}_bucket{{le=\"+Inf\"}}"), total),
            }
        }
        page.line(&format!("{name}_sum"), Seconds(read(&self.first_output.sum_ms)));
        page.line(&format!("{name}_count"), total);
        page.one("host_runs_total", "counter", "Runs that are over.", read(&self.runs));
        page.one("host_runs_failed_total", "counter", "Runs that failed.", read(&self.failed_runs));
        page.head("host_tokens_total", "counter", "Tokens, as providers counted them.");
        page.line("host_tokens_total{type=\"input\"}", read(&self.prompt_tokens));
        page.line("host_tokens_total{type=\"output\"}", read(&self.completion_tokens));
        let cost = read(&self.cost);
        page.one(
            "host_cost_usd_total",
            "counter",
            "Cost that providers told, in US dollars.",
            format_args!("{}.{:09}", cost / 1_000_000_000, cost % 1_000_000_000),
        );
        page.one(
            "host_budget_refusals_total",
            "counter",
            "Calls that a budget refused.",
            read(&self.budget_refusals),
        );
        let recorder = shared.recorder.counts();
        for (name, kind, help, count) in [
            ("host_recorder_recorded_total", "counter", "Runs handed to the recorder.", recorder.recorded),
            ("host_recorder_written_total", "counter", "Runs in the database.", recorder.written),
            ("host_recorder_spilled_total", "counter", "Runs that went to the file.", recorder.spilled),
            ("host_recorder_dropped_total", "counter", "Runs that were lost.", recorder.dropped),
            ("host_recorder_refused_total", "counter", "Runs that the database refused.", recorder.refused),
            ("host_recorder_waiting_bytes", "gauge", "Bytes that wait in the file.", recorder.waiting_bytes),
        ] {
            page.one(name, kind, help, count);
        }
        let health = shared.store.health();
        page.one(
            "host_database_up",
            "gauge",
            "Whether the database is there.",
            u8::from(health.away_since.is_none()),
        );
        page.one(
            "host_settlements_waiting",
            "gauge",
            "Calls that wait to be settled with their budgets.",
            health.waiting_settlements,
        );
        page.one(
            "host_connected_workspaces",
            "gauge",
            "Workspaces whose providers are connected.",
            shared.connections.len(),
        );
        page.0
    }
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, series: &str, value: impl Display) {
        let _ = writeln!(self.0, "{series} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, value);
    }
}

/// Milliseconds, written as seconds.
struct Seconds(u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

fn add(count: &AtomicU64, by: u64) {
    count.fetch_add(by, Ordering::Relaxed);
}
