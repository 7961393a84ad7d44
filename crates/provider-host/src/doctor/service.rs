//! Looks at the services: whether they can be reached, what time they have, and whether the keys are good.

use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use provider_core::{ConfigValues, Error, ErrorKind, LlmProvider, ProviderDescriptor};
use provider_http::{Endpoint, HttpClient, HttpLimits, KeySource};
use tokio::time::timeout;

use super::{Check, Verdict};
use crate::connect::Host;
use crate::exit::Exit;
use crate::output::number::dollars;

/// The setting with the base URL.
const BASE_URL: &str = "base_url";
/// How far the clocks may be apart before that is worth a warning. A service's answers tell whole seconds.
const SKEW_WARNING: Duration = Duration::from_secs(60);
/// How far they may be apart before certificates and short-lived tokens are refused.
const SKEW_FAULT: Duration = Duration::from_secs(600);

/// Looks at the services of all connected providers at the same time.
pub(super) async fn checks(host: &Host, limit: Duration) -> Vec<Check> {
    let http = HttpClient::new();
    let of_each = host.connected().map(|(id, descriptor, values)| {
        let (http, provider) = (&http, host.instance(id).map(|instance| instance.provider().clone()));
        async move {
            let mut checks = reached(id, descriptor, values, http, limit).await;
            if let Ok(provider) = provider {
                checks.push(key(id, &*provider, limit).await);
            }
            checks
        }
    });
    join_all(of_each).await.into_iter().flatten().collect()
}

/// Asks a service for its list of models without a key, and holds its clock against that of this machine.
/// Whatever it answers, it can be reached.
async fn reached(
    id: &str,
    descriptor: &'static ProviderDescriptor,
    values: &ConfigValues,
    http: &HttpClient,
    limit: Duration,
) -> Vec<Check> {
    let of_field = descriptor.fields.iter().find(|field| field.key == BASE_URL);
    let Some(url) = values.get(BASE_URL).or(of_field.and_then(|field| field.default)) else {
        return vec![Check::new("reach", Verdict::Skipped, "its address is that of its preset").of(id)];
    };
    let limits = HttpLimits::default().connect_timeout(limit).read_timeout(limit);
    let endpoint = Endpoint::builder(url).provider(id.to_owned()).bearer(KeySource::none()).allow_http(true);
    let endpoint = match endpoint.limits(limits).build(http) {
        Ok(endpoint) => endpoint,
        Err(error) => return vec![Check::failed("reach", &error).of(id)],
    };
    let asked = SystemTime::now();
    let answer = timeout(limit, endpoint.get("models").without_key().send()).await;
    let answered = SystemTime::now();
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or(host);
    let took = answered.duration_since(asked).unwrap_or_default().as_millis();
    let date = match answer {
        Ok(Ok(response)) => {
            response.head().header("date").and_then(|date| httpdate::parse_http_date(date).ok())
        }
        Ok(Err(error)) => return vec![Check::failed("reach", &error).of(id)],
        Err(_) => {
            let message = format!("{host} did not answer within {} s", limit.as_secs_f64());
            return vec![Check::failed("reach", &Error::new(ErrorKind::Timeout, message)).of(id)];
        }
    };
    let reached = Check::ok("reach", format!("{host} answered within {took} ms")).of(id);
    vec![reached, clock(date, asked, answered).of(id)]
}

/// Holds the time of an answer against the times of this machine before and after it.
fn clock(date: Option<SystemTime>, asked: SystemTime, answered: SystemTime) -> Check {
    let Some(date) = date else {
        return Check::new("clock", Verdict::Skipped, "the service's answer has no date");
    };
    let (skew, way) = match (asked.duration_since(date), date.duration_since(answered)) {
        (Ok(ahead), _) => (ahead, "ahead of"),
        (_, Ok(behind)) => (behind, "behind"),
        _ => (Duration::ZERO, "at"),
    };
    let seconds = skew.as_secs();
    let step = "set this machine's clock, or let it be set from the network";
    match skew {
        skew if skew > SKEW_FAULT => {
            Check::fault("clock", format!("it is {seconds} s {way} the service's"), step)
        }
        skew if skew > SKEW_WARNING => {
            Check::warning("clock", format!("it is {seconds} s {way} the service's"), step)
        }
        _ => Check::ok("clock", "it goes with the service's"),
    }
}

/// Tests the key of a provider.
async fn key(id: &str, provider: &dyn LlmProvider, limit: Duration) -> Check {
    let report = match timeout(limit, provider.check()).await {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => return Check::failed("key", &error.with_provider(id)).of(id),
        Err(_) => {
            let message = format!("the test was not over within {} s", limit.as_secs_f64());
            return Check::failed("key", &Error::new(ErrorKind::Timeout, message).with_provider(id)).of(id);
        }
    };
    if let Some(blocked) = report.blocked_by() {
        let until = blocked.resets_at.map_or_else(String::new, |moment| format!(" until {moment}"));
        let detail =
            format!("it is good, but requests with it are refused{until}: {} is used up", blocked.kind);
        let fault = Check::fault("key", detail, "`asq key` shows what is left");
        return Check { exit: Exit::Payment, ..fault }.of(id);
    }
    let left = report.remaining().map_or_else(String::new, |left| format!(", {} left", dollars(left)));
    Check::ok("key", format!("it works{left}")).of(id)
}
