//! `key`: tests the connections, and shows the limits and usage of their keys.

use std::time::Duration;

use futures_util::future::join_all;
use provider_core::{ConnectionReport, Error, ErrorKind, LimitAmount, UsageLimit, Usd};
use provider_registry::Instance;
use serde::Serialize;
use tokio::time::timeout;

use crate::cli::{ConnectArgs, KeyArgs};
use crate::connect::Host;
use crate::diagnostics;
use crate::exit::{Exit, Failure};
use crate::output::number::{UNKNOWN, dollars};
use crate::output::progress::Progress;
use crate::output::{Output, text};

/// The longest that the test of one provider may take where several are tested.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The tests of several providers.
#[derive(Serialize)]
struct Tested {
    providers: Vec<TestedProvider>,
}

/// The test of one of several providers.
#[derive(Serialize)]
struct TestedProvider {
    provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<ConnectionReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

pub(crate) async fn run(args: &KeyArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let host = Host::open(connect, output).await?;
    let instances = match &args.id {
        Some(id) => vec![host.instance(id)?],
        None => host.instances().collect(),
    };
    let progress = Progress::new(output, "testing the key");
    let unready = host.unready().filter(|_| args.id.is_none());
    let unready: Vec<TestedProvider> = unready
        .map(|(id, error)| TestedProvider {
            provider: id.to_owned(),
            report: None,
            error: Some(error.clone()),
        })
        .collect();
    match instances.as_slice() {
        [one] if unready.is_empty() => {
            let report = progress.during(one.provider().check()).await;
            let report = report.map_err(|error| error.with_provider(one.id()))?;
            match args.json {
                true => output.write_json(&report)?,
                false => output.write(&page(None, &report, output))?,
            }
            report.blocked_by().map_or(Ok(()), |_| Err(Failure::Told(Exit::Payment)))
        }
        several => {
            let mut tested = progress.during(join_all(several.iter().map(|one| test(one)))).await;
            tested.extend(unready);
            show(args, tested, output)
        }
    }
}

async fn test(instance: &Instance) -> TestedProvider {
    let outcome = timeout(TIMEOUT, instance.provider().check()).await.unwrap_or_else(|_| {
        let message = format!("the test was not over within {} s", TIMEOUT.as_secs());
        Err(Error::new(ErrorKind::Timeout, message))
    });
    let provider = instance.id().to_owned();
    match outcome {
        Ok(report) => TestedProvider { provider, report: Some(report), error: None },
        Err(error) => {
            let error = error.with_provider(&provider);
            TestedProvider { provider, report: None, error: Some(error) }
        }
    }
}

/// Shows the tests of several providers. The first failure is that of the command.
fn show(args: &KeyArgs, tested: Vec<TestedProvider>, output: Output) -> Result<(), Failure> {
    let tested = Tested { providers: tested };
    if args.json {
        output.write_json(&tested)?;
    } else {
        let pages = tested
            .providers
            .iter()
            .filter_map(|one| Some(page(Some(&one.provider), one.report.as_ref()?, output)));
        output.write(&pages.collect::<Vec<_>>().join("\n"))?;
    }
    let mut first = None;
    for one in &tested.providers {
        if let Some(error) = &one.error {
            diagnostics::error(error, output);
            first = first.or(Some(Exit::from(error.kind())));
        }
        if one.report.as_ref().is_some_and(|report| report.blocked_by().is_some()) {
            first = first.or(Some(Exit::Payment));
        }
    }
    first.map_or(Ok(()), |exit| Err(Failure::Told(exit)))
}

fn page(provider: Option<&str>, report: &ConnectionReport, output: Output) -> String {
    let lines = rows(report).into_iter().map(|(name, value)| {
        let line = format!("{} {}", output.out.dim(format!("{name:<10}")), text::one_line(&value));
        match output.columns {
            Some(room) => text::wrap(&line, room, 11).join("\n") + "\n",
            None => line + "\n",
        }
    });
    let whose = provider.map_or_else(String::new, |id| format!("{id}: "));
    let verdict = match report.blocked_by() {
        Some(limit) => {
            let until = limit.resets_at.map_or_else(String::new, |moment| format!(" until {moment}"));
            let said = format!("the key is good, but requests with it are refused{until}: ");
            output.out.red(format!("{said}{} is used up", limit.kind)).to_string()
        }
        None if tells_of_account(report) => output.out.green("the key works").to_string(),
        None => output.out.green("the test passed").to_string(),
    };
    format!("{whose}{verdict}\n{}", lines.collect::<String>())
}

/// Whether the provider tells anything of an account. One that does not may have limits all the same.
fn tells_of_account(report: &ConnectionReport) -> bool {
    report.limit.is_some()
        || report.next_limit.is_some()
        || report.usage.is_some()
        || report.can_run_models.is_some()
        || report.is_free_tier.is_some()
        || report.expires_at.is_some()
}

fn rows(report: &ConnectionReport) -> Vec<(&'static str, String)> {
    let known = |text: &Option<String>, otherwise: &str| text.clone().unwrap_or(otherwise.to_owned());
    if !tells_of_account(report) {
        return report.label.iter().map(|label| ("label", label.clone())).collect();
    }
    let money = |amount: Option<Usd>, otherwise: &str| amount.map_or(otherwise.to_owned(), dollars);
    let remaining = match &report.next_limit {
        None => "no limit".to_owned(),
        Some(limit) => format!("{} ({})", money(report.remaining(), UNKNOWN), extent(limit)),
    };
    let free_tier = match report.is_free_tier {
        Some(true) => "yes: the account has never paid",
        Some(false) => "no",
        None => UNKNOWN,
    };
    let mut rows = vec![
        ("label", known(&report.label, UNKNOWN)),
        ("limit", money(report.limit, "no limit")),
        ("remaining", remaining),
        ("usage", money(report.usage, UNKNOWN)),
        ("free tier", free_tier.to_owned()),
    ];
    let requests = |amount| match amount {
        Some(LimitAmount::Requests(count)) => Some(count),
        _ => None,
    };
    let free = report.free_requests.as_ref();
    if let Some((left, limit)) = free.and_then(|free| requests(free.remaining).zip(requests(free.limit))) {
        rows.push(("free today", format!("{left} of {limit} requests to free models are left")));
    }
    rows.push(("expires", known(&report.expires_at, "never")));
    rows
}

/// Whose limit it is, and when it starts anew.
fn extent(limit: &UsageLimit) -> String {
    match (&limit.window, limit.resets_at) {
        (_, Some(moment)) => format!("{}, starts anew at {moment}", limit.kind),
        (Some(window), None) => format!("{}, starts anew {window}", limit.kind),
        (None, None) => limit.kind.to_string(),
    }
}
