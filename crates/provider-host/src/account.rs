//! `generation`, `credits`, `presets` and `endpoints`: what only the service of a provider knows. OpenRouter
//! is the provider that has such records.

use openrouter_provider::{Credits, Endpoint, Generation, ModelEndpoints, OpenRouter, Preset};
use provider_core::{Error, ErrorKind, LlmProviderExt};
use provider_registry::Instance;
use serde::Serialize;

use crate::cli::{ConnectArgs, CreditsArgs, EndpointsArgs, GenerationArgs, PresetsArgs};
use crate::connect::Host;
use crate::exit::Failure;
use crate::output::number::{UNKNOWN, dollars, grouped, or_unknown, per_million};
use crate::output::progress::Progress;
use crate::output::table::Table;
use crate::output::{Output, text};

/// Whatever a provider tells, and the id that it is connected under.
#[derive(Serialize)]
struct Told<'a, T> {
    provider: &'a str,
    #[serde(flatten)]
    told: T,
}

#[derive(Serialize)]
struct Listed<'a> {
    presets: &'a [Preset],
}

/// The width of the names in front of values.
const NAMES: usize = 16;

/// `generation`: the service's record of an answer.
pub(crate) async fn generation(
    args: &GenerationArgs,
    connect: &ConnectArgs,
    output: Output,
) -> Result<(), Failure> {
    let host = Host::open(connect, output).await?;
    let named = args.generation.split_once(':').filter(|(id, _)| host.instance(id).is_ok());
    let (id, generation) = named.map_or((None, args.generation.as_str()), |(id, rest)| (Some(id), rest));
    let (instance, service) = with_records(&host, id)?;
    let progress = Progress::new(output, "fetching the record");
    let record = progress.during(service.generation(generation)).await;
    let record = record.map_err(|error| error.with_provider(instance.id()))?;
    match args.json {
        true => Ok(output.write_json(&Told { provider: instance.id(), told: &record })?),
        false => Ok(output.write(&page(&record_rows(&record), output))?),
    }
}

/// `credits`: what the account has paid in and spent.
pub(crate) async fn credits(
    args: &CreditsArgs,
    connect: &ConnectArgs,
    output: Output,
) -> Result<(), Failure> {
    let host = Host::open(connect, output).await?;
    let (instance, service) = with_records(&host, args.id.as_deref())?;
    let credits = Progress::new(output, "fetching the credits").during(service.credits()).await;
    let credits = credits.map_err(|error| error.with_provider(instance.id()))?;
    match args.json {
        true => Ok(output.write_json(&Told { provider: instance.id(), told: &credits })?),
        false => Ok(output.write(&page(&credit_rows(&credits), output))?),
    }
}

/// `presets`: the presets of the account.
pub(crate) async fn presets(
    args: &PresetsArgs,
    connect: &ConnectArgs,
    output: Output,
) -> Result<(), Failure> {
    let host = Host::open(connect, output).await?;
    let (instance, service) = with_records(&host, args.id.as_deref())?;
    let presets = Progress::new(output, "fetching the presets").during(service.presets()).await;
    let presets = presets.map_err(|error| error.with_provider(instance.id()))?;
    if args.json {
        let told = Listed { presets: &presets };
        return Ok(output.write_json(&Told { provider: instance.id(), told })?);
    }
    let mut table = Table::new().left("MODEL").left("NAME").left("STATUS").left("DESCRIPTION");
    for preset in &presets {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        table.row([preset.model_id(), preset.name.clone(), text(&preset.status), text(&preset.description)]);
    }
    if !presets.is_empty() {
        output.write(&table.render(output.columns, output.out))?;
    }
    output.note(&output.err.dim(format!("{} presets", presets.len())).to_string());
    Ok(())
}

/// `endpoints`: who serves a model.
pub(crate) async fn endpoints(
    args: &EndpointsArgs,
    connect: &ConnectArgs,
    output: Output,
) -> Result<(), Failure> {
    let host = Host::open(connect, output).await?;
    let model = host.model(&args.model).await?;
    let (instance, service) = with_records(&host, Some(&model.reference().provider))?;
    let progress = Progress::new(output, "fetching the endpoints");
    let found = match progress.during(service.endpoints(model.id())).await {
        Ok(found) => found,
        Err(error) => {
            let error = host.explained(error.with_provider(instance.id()).with_model(model.id())).await;
            return Err(error.into());
        }
    };
    match args.json {
        true => Ok(output.write_json(&Told { provider: instance.id(), told: &found })?),
        false => Ok(output.write(&table(&found).render(output.columns, output.out))?),
    }
}

/// The connected provider of this id, or the only one, whose service has records.
///
/// # Errors
/// When it has none, or when several have, in words that name them.
fn with_records<'h>(host: &'h Host, id: Option<&str>) -> Result<(&'h Instance, &'h OpenRouter), Error> {
    let service = |instance: &'h Instance| instance.provider().extension::<OpenRouter>();
    if let Some(id) = id {
        let instance = host.instance(id)?;
        return service(instance).map(|service| (instance, service)).ok_or_else(|| {
            let message = format!("{id} is not OpenRouter, whose service alone tells this");
            Error::new(ErrorKind::UnsupportedFeature, message).with_provider(id)
        });
    }
    let all: Vec<_> = host.instances().filter_map(|one| Some((one, service(one)?))).collect();
    match all.as_slice() {
        [one] => Ok(*one),
        [] => {
            let message = "no provider is connected whose service tells this; OpenRouter's does";
            Err(Error::new(ErrorKind::UnsupportedFeature, message))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|(one, _)| one.id()).collect();
            let message = format!("several providers may be meant; name one of {}", ids.join(", "));
            Err(Error::new(ErrorKind::Ambiguous, message))
        }
    }
}

/// Names and values, a line each.
fn page(rows: &[(&str, String)], output: Output) -> String {
    let lines = rows.iter().map(|(name, value)| {
        let line = format!("{} {}", output.out.dim(format!("{name:<NAMES$}")), text::one_line(value));
        match output.columns {
            Some(room) => text::wrap(&line, room, NAMES + 1).join("\n") + "\n",
            None => line + "\n",
        }
    });
    lines.collect()
}

fn credit_rows(credits: &Credits) -> Vec<(&'static str, String)> {
    vec![
        ("paid in", or_unknown(credits.total_credits, dollars)),
        ("spent", or_unknown(credits.total_usage, dollars)),
        ("left", or_unknown(credits.remaining(), dollars)),
    ]
}

fn record_rows(record: &Generation) -> Vec<(&'static str, String)> {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| UNKNOWN.to_owned());
    let milliseconds = |time: f64| format!("{time:.0} ms");
    let tried: Vec<String> = record
        .provider_responses
        .iter()
        .map(|tried| {
            let status = tried.status.map_or_else(String::new, |status| format!(" ({status})"));
            format!("{}{status}", tried.provider_name.as_deref().unwrap_or(UNKNOWN))
        })
        .collect();
    let mut rows = vec![
        ("id", record.id.clone()),
        ("model", record.model.clone()),
        ("served by", text(&record.provider_name)),
        ("made", text(&record.created_at)),
        ("finish", text(&record.finish_reason)),
        ("cost", or_unknown(record.total_cost.or(record.usage), dollars)),
        ("tokens in", or_unknown(record.native_tokens_prompt, grouped)),
        ("of them cached", or_unknown(record.native_tokens_cached, grouped)),
        ("tokens out", or_unknown(record.native_tokens_completion, grouped)),
        ("of them thoughts", or_unknown(record.native_tokens_reasoning, grouped)),
        ("latency", or_unknown(record.latency, milliseconds)),
        ("generated in", or_unknown(record.generation_time, milliseconds)),
        ("tried", if tried.is_empty() { UNKNOWN.to_owned() } else { tried.join(", ") }),
    ];
    rows.retain(|(_, value)| value != UNKNOWN);
    rows
}

fn table(found: &ModelEndpoints) -> Table {
    let mut table = Table::new()
        .left("ENDPOINT")
        .right("CONTEXT")
        .right("MAX OUT")
        .right("$/M IN")
        .right("$/M OUT")
        .right("UPTIME")
        .right("FIRST")
        .right("TOKENS/S")
        .left("PROVIDER");
    for endpoint in &found.endpoints {
        table.row([
            endpoint.tag.clone().unwrap_or_else(|| endpoint.name.clone()),
            or_unknown(endpoint.context_length, grouped),
            or_unknown(endpoint.max_completion_tokens, grouped),
            per_million(endpoint.pricing.prompt),
            per_million(endpoint.pricing.completion),
            or_unknown(endpoint.uptime_last_30m, |share| format!("{share:.1} %")),
            or_unknown(endpoint.latency_last_30m.and_then(|spread| spread.p50), |ms| format!("{ms:.0} ms")),
            or_unknown(endpoint.throughput_last_30m.and_then(|spread| spread.p50), |speed| {
                format!("{speed:.0}")
            }),
            provider(endpoint),
        ]);
    }
    table
}

/// The provider of an endpoint, how it shortens numbers, and whether it is unwell.
fn provider(endpoint: &Endpoint) -> String {
    let mut words = vec![endpoint.provider_name.clone()];
    words.extend(endpoint.quantization.clone().filter(|word| word != "unknown"));
    words.extend(endpoint.status.filter(|status| *status < 0).map(|_| "(unwell)".to_owned()));
    words.join(" ")
}
