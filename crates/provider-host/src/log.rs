//! `log`: the runs in the store.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use provider_core::{ChatRequest, Message, Usd};
use serde::Serialize;
use serde_json::Value;
use workspace_store::{Run, RunContent, RunFilter, Store};

use crate::cli::{ConnectArgs, LogArgs, LogCommand, LogFilter};
use crate::exit::Failure;
use crate::moment;
use crate::output::number::{UNKNOWN, dollars, grouped};
use crate::output::table::{Look, Table};
use crate::output::{Output, text};
use crate::storage::{Storage, failed};

/// How many runs are read at a time.
const PAGE: u32 = 200;
/// How many runs a list has, unless it is told.
const LISTED: usize = 20;

#[derive(Serialize)]
struct Listed {
    workspace: String,
    runs: Vec<Run>,
}

/// A run with its prompt and its answer.
#[derive(Serialize)]
struct Full {
    #[serde(flatten)]
    run: Run,
    request: Option<Value>,
    response: Option<Value>,
}

pub(crate) async fn run(args: &LogArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    if !connect.kept.has_store() {
        return nothing(args, connect, output);
    }
    let storage = connect.kept.storage().await?;
    let record = storage.store.workspace(&storage.workspace).await.map_err(failed)?;
    // A model may be named as in the profile.
    let aliases = connect.kept.profile().map(|profile| profile.aliases.clone()).unwrap_or_default();
    let log = Log { zone: moment::zone(&record.time_zone), aliases, storage, output };
    let since = args.filter.since.as_deref();
    let since = since.map(|text| moment::since(text, moment::now_ms(), &log.zone)).transpose();
    let since = since.map_err(Failure::Usage)?.unwrap_or(i64::MIN);
    match &args.command {
        None | Some(LogCommand::List) => {
            let runs = log.runs(&args.filter, since, args.filter.limit.unwrap_or(LISTED)).await?;
            log.list(runs, args.json)
        }
        Some(LogCommand::Show { id }) => {
            let full = log.full(log.find(id).await?).await?;
            match args.json {
                true => Ok(output.write_json(&full)?),
                // A page for people, who may page through it: `less -R` would obey a model. What it is made
                // of is in the JSON, and in an export.
                false => Ok(output.write(&text::strip_controls(&log.page(&full)))?),
            }
        }
        Some(LogCommand::Search { words }) => {
            let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
            let mut found = Vec::new();
            for run in log.runs(&args.filter, since, usize::MAX).await? {
                if found.len() == args.filter.limit.unwrap_or(LISTED) {
                    break;
                }
                if log.full(run.clone()).await?.has(&words) {
                    found.push(run);
                }
            }
            log.list(found, args.json)
        }
        Some(LogCommand::Export { markdown }) => {
            let mut runs = log.runs(&args.filter, since, args.filter.limit.unwrap_or(usize::MAX)).await?;
            runs.reverse();
            for run in runs {
                let full = log.full(run).await?;
                let text = match markdown {
                    true => log.markdown(&full),
                    false => serde_json::to_string(&full).unwrap_or_default() + "\n",
                };
                output.write_untrusted(&text)?;
            }
            Ok(())
        }
    }
}

fn nothing(args: &LogArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    if let Some(LogCommand::Show { id }) = &args.command {
        return Err(Failure::Usage(format!("there is no run {id:?}: nothing was logged yet")));
    }
    if args.json && !matches!(args.command, Some(LogCommand::Export { .. })) {
        let workspace = connect.kept.workspace().to_owned();
        return Ok(output.write_json(&Listed { workspace, runs: Vec::new() })?);
    }
    output.note("nothing was logged yet");
    Ok(())
}

/// The log of a workspace.
struct Log {
    storage: Storage,
    aliases: BTreeMap<String, String>,
    zone: TimeZone,
    output: Output,
}

impl Log {
    fn store(&self) -> &Store {
        &self.storage.store
    }

    /// The newest runs of a filter.
    async fn runs(&self, filter: &LogFilter, since: i64, limit: usize) -> Result<Vec<Run>, Failure> {
        let model = filter.model.as_ref().map(|model| self.aliases.get(model).unwrap_or(model));
        let mut wanted = RunFilter::new();
        if let Some(node) = &filter.node {
            wanted = wanted.node(node);
        }
        if filter.failed {
            wanted = wanted.failed(true);
        }
        let (mut runs, mut before): (Vec<Run>, Option<String>) = (Vec::new(), None);
        loop {
            let page = self.store().runs(&self.storage.workspace, &wanted, before.as_deref(), PAGE).await;
            let page = page.map_err(failed)?;
            let is_last = page.len() < PAGE as usize;
            let is_over = page.last().is_some_and(|run| run.started_ms < since);
            before = page.last().map(|run| run.id.clone());
            let fits =
                |run: &Run| run.started_ms >= since && model.is_none_or(|model| is_of_model(run, model));
            runs.extend(page.into_iter().filter(fits));
            if is_last || is_over || runs.len() >= limit {
                break;
            }
        }
        runs.truncate(limit);
        Ok(runs)
    }

    /// The run that a text means: the newest, the one of an id, or the newest whose id ends so.
    async fn find(&self, text: &str) -> Result<Run, Failure> {
        if let Ok(run) = self.store().run(&self.storage.workspace, text).await {
            return Ok(run);
        }
        let all =
            self.runs(&LogFilter::default(), i64::MIN, if text == "-" { 1 } else { usize::MAX }).await?;
        let mut fitting = all.into_iter().filter(|run| text == "-" || run.id.ends_with(text));
        fitting
            .next()
            .ok_or_else(|| Failure::Usage(format!("there is no run {text:?}; `asq log` lists them")))
    }

    async fn full(&self, run: Run) -> Result<Full, Failure> {
        let content = self.store().run_content(&self.storage.workspace, &run.id).await.map_err(failed)?;
        let (request, response) = match content {
            Some(RunContent { request, response, .. }) => (json(request.get()), json(response.get())),
            None => (None, None),
        };
        Ok(Full { run, request, response: response.filter(|value| !value.is_null()) })
    }

    fn list(&self, runs: Vec<Run>, is_json: bool) -> Result<(), Failure> {
        if is_json {
            let workspace = self.storage.workspace.clone();
            return Ok(self.output.write_json(&Listed { workspace, runs })?);
        }
        if runs.is_empty() {
            self.output.note("no run fits");
            return Ok(());
        }
        let mut table =
            Table::new().left("RUN").left("TIME").left("MODEL").right("IN").right("OUT").right("COST");
        table = table.left("ENDED");
        // For a program, a run is one line.
        let is_piped = self.output.columns.is_none();
        if is_piped {
            table = table.left("SERVED");
        }
        for run in &runs {
            let count = |count: Option<u64>| count.map_or(UNKNOWN.to_owned(), grouped);
            let served = run.served.as_ref().filter(|served| **served != run.requested);
            let cells = [
                short(&run.id).to_owned(),
                moment::minute(run.started_ms, &self.zone),
                format!("{}:{}", run.provider, run.requested),
                count(run.prompt_tokens),
                count(run.completion_tokens),
                cost(run).map_or(UNKNOWN.to_owned(), dollars),
                ended(run),
            ];
            let answered = || run.served.clone().unwrap_or_else(|| UNKNOWN.to_owned());
            table.row(cells.into_iter().chain(is_piped.then(answered)));
            if let Some(served) = served.filter(|_| !is_piped) {
                table.below(&format!("served by {served}"), Look::Faint);
            }
        }
        Ok(self.output.write(&table.render(self.output.columns, self.output.out))?)
    }

    /// A run on a page of its own.
    fn page(&self, full: &Full) -> String {
        let mut page = self.figures(full, |name, value| format!("{name:<13}{value}\n"));
        for (who, said) in full.turns() {
            page.push_str(&format!("\n{who}:\n{said}\n"));
        }
        if full.request.is_none() {
            page.push_str("\n(prompt and answer were not kept)\n");
        }
        page
    }

    fn markdown(&self, full: &Full) -> String {
        let title = moment::minute(full.run.started_ms, &self.zone);
        let mut page = format!("## {title}: {}\n\n", full.run.requested);
        page.push_str(&self.figures(full, |name, value| format!("- {name}: {value}\n")));
        for (who, said) in full.turns() {
            page.push_str(&format!("\n### {who}\n\n{said}\n"));
        }
        page + "\n"
    }

    fn figures(&self, full: &Full, line: impl Fn(&str, &str) -> String) -> String {
        let run = &full.run;
        let time = |ms: Option<u64>| ms.map(|ms| format!("{ms} ms"));
        let rows = [
            ("run", Some(run.id.clone())),
            ("time", Some(moment::minute(run.started_ms, &self.zone))),
            ("asked", Some(format!("{}:{}", run.provider, run.requested))),
            ("served", run.served.clone()),
            ("upstream", run.upstream.clone()),
            ("generation", run.generation.clone()),
            ("conversation", run.conversation.clone()),
            ("node", run.node.clone()),
            ("attempts", Some(run.attempts.to_string())),
            ("tokens in", run.prompt_tokens.map(grouped)),
            ("cached", run.cached_tokens.map(grouped)),
            ("tokens out", run.completion_tokens.map(grouped)),
            ("reasoning", run.reasoning_tokens.map(grouped)),
            ("cost", cost(run).map(dollars)),
            ("first output", time(run.first_output_ms)),
            ("total", time(run.total_ms)),
            ("ended", Some(ended(run))),
            ("error", run.error.clone()),
        ];
        let known = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
        known.map(|(name, value)| line(name, &text::one_line(&value))).collect()
    }
}

impl Full {
    /// The roles and the texts, in order.
    fn turns(&self) -> Vec<(&'static str, String)> {
        let mut turns = Vec::new();
        let request = self.request.clone().and_then(|json| serde_json::from_value::<ChatRequest>(json).ok());
        for message in request.iter().flat_map(|request| &request.messages) {
            turns.push(turn(message));
        }
        let text = self.response.as_ref().and_then(|response| response["message"]["text"].as_str());
        turns.extend(text.filter(|text| !text.is_empty()).map(|text| ("assistant", text.to_owned())));
        turns
    }

    fn has(&self, words: &[String]) -> bool {
        let mut text: Vec<String> = self.turns().into_iter().map(|(_, said)| said.to_lowercase()).collect();
        text.extend(self.run.error.as_ref().map(|error| error.to_lowercase()));
        words.iter().all(|word| text.iter().any(|text| text.contains(word)))
    }
}

/// A message as its role and its text.
pub(crate) fn turn(message: &Message) -> (&'static str, String) {
    match message {
        Message::System(said) => ("system", said.content.text()),
        Message::Developer(said) => ("developer", said.content.text()),
        Message::User(said) => ("user", said.content.text()),
        Message::Assistant(said) => ("assistant", said.text.clone()),
        Message::Tool(result) => ("tool", result.content.text()),
        _ => ("other", String::new()),
    }
}

/// Whether a run asked for a model, or was served by it: by its id, with or without the provider in front.
fn is_of_model(run: &Run, model: &str) -> bool {
    let is_named = |id: &str| {
        let id_of_provider =
            model.strip_prefix(run.provider.as_str()).and_then(|rest| rest.strip_prefix(':'));
        id == model || id_of_provider == Some(id)
    };
    is_named(&run.requested) || run.served.as_deref().is_some_and(is_named)
}

/// The end of an id, which tells runs apart: its beginning is the time.
fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

/// The known cost of a run, at the service and at the upstream provider.
pub(crate) fn cost(run: &Run) -> Option<Usd> {
    let known = [run.cost, run.upstream_cost];
    known.into_iter().flatten().reduce(|sum, cost| sum + cost)
}

fn ended(run: &Run) -> String {
    run.error_kind.clone().or_else(|| run.finish.clone()).unwrap_or_else(|| UNKNOWN.to_owned())
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}
