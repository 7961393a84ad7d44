//! `conformance`: tests whether a linked provider keeps the promises of all providers, on this machine.

mod known;
mod report;

use std::sync::Arc;
use std::time::Duration;

use provider_conformance::{At, ChatCompletions, JsonLines, Kit, Messages, cases};
use provider_core::{ConfigValues, Error, LlmProvider, ProviderContext, ProviderDescriptor};
use provider_http::{HttpClient, HttpLimits, Proxies};
use provider_registry::Registry;

use crate::cli::{ConformanceArgs, ConnectArgs, WireName};
use crate::connect::{descriptor, given_to};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::output::progress::Progress;

/// How long the provider waits in the cases where nothing comes. A run takes about ten times as long.
const PATIENCE: Duration = Duration::from_millis(500);
/// The most bytes of an error's body, where a case does not say less.
const MAX_ERROR_BYTES: usize = 16 << 10;

pub(crate) async fn run(
    args: &ConformanceArgs,
    connect: &ConnectArgs,
    output: Output,
) -> Result<(), Failure> {
    let registry = Registry::discover()?;
    let provider = descriptor(&registry, &args.name)?;
    if let Some(prefix) = args.filter.as_deref().filter(|prefix| !has_case(prefix)) {
        let mut groups: Vec<&str> = cases().map(|case| case.group()).collect();
        groups.dedup();
        let problem = format!(
            "--filter {prefix}: no case has a name that begins so; the groups are {}",
            groups.join(", ")
        );
        return Err(Failure::Usage(problem));
    }
    let given = given_to(connect, &registry, provider)?;
    let is_own = |key: &&str| is_of_the_kit(key) || provider.fields.iter().all(|field| field.key != *key);
    if let Some(key) = given.keys().find(is_own) {
        return Err(Failure::Usage(format!("{key} is set by the test itself; leave it out")));
    }
    let kit = kit(args, provider, given)?;
    let progress = Progress::new(output, format!("testing {}", provider.id));
    let report = progress.during(kit.run()).await;
    if args.json {
        output.write_json(&report)?;
    } else {
        output.write(&report::table(&report).render(output.columns, output.out))?;
        output.note(&output.err.dim(report::figures(&report)).to_string());
    }
    if report.broken().next().is_some() { Err(Failure::Told(Exit::Failed)) } else { Ok(()) }
}

fn has_case(prefix: &str) -> bool {
    cases().any(|case| case.name().starts_with(prefix))
}

/// The kit for a provider: its wire, the settings that flags give, and the cases that do not apply.
///
/// # Errors
/// When the provider has no base URL that the kit could play its service at.
fn kit(
    args: &ConformanceArgs,
    provider: &'static ProviderDescriptor,
    given: ConfigValues,
) -> Result<Kit, Failure> {
    let has = |key: &str| provider.fields.iter().any(|field| field.key == key);
    if !has("base_url") {
        let problem =
            format!("{} has no setting base_url, so that its service cannot be played", provider.id);
        return Err(Failure::Usage(problem));
    }
    let kit = Kit::new(move |at| {
        let connected = connected(provider, &given, &at);
        async { connected }
    });
    let mut kit = match args.wire {
        WireName::ChatCompletions => kit.wire(ChatCompletions),
        WireName::JsonLines => kit.wire(JsonLines),
        WireName::Messages => kit.wire(Messages),
    };
    kit = kit.patience(PATIENCE);
    if !has("api_key") {
        kit = kit.keyless();
    }
    if let Some(prefix) = &args.filter {
        kit = kit.only(prefix);
    }
    if let Some(model) = &args.model {
        kit = kit.model(model);
    }
    for (case, reason) in &args.skip {
        kit = kit.skip(case, reason);
    }
    for (path, json) in known::beside(provider.id) {
        kit = kit.beside(*path, *json);
    }
    for (path, json) in &args.beside {
        kit = kit.beside(path, json);
    }
    Ok(kit)
}

/// Whether the kit sets a setting for each case.
fn is_of_the_kit(key: &str) -> bool {
    ["base_url", "api_key", "connect_timeout", "read_timeout", "total_timeout"].contains(&key)
}

/// Connects the provider to the server of a case, within the limits of the case.
fn connected(
    provider: &'static ProviderDescriptor,
    given: &ConfigValues,
    at: &At,
) -> Result<Arc<dyn LlmProvider>, Error> {
    let limits = HttpLimits::default()
        .max_body_bytes(at.max_bytes)
        .max_frame_bytes(at.max_bytes)
        .max_error_bytes(at.max_bytes.min(MAX_ERROR_BYTES));
    // A proxy of the environment would take the requests off this machine.
    let http = HttpClient::builder().proxies(Proxies::none()).build()?;
    let values = at.values().only(provider.fields).or(given.clone());
    provider.connect_with(&values, &ProviderContext::new().with(limits).with(http))
}
