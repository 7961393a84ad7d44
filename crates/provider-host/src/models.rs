//! `models`: searches the catalogues as a model selector does.

mod lists;
mod page;
mod unknown;

use std::time::SystemTime;

use provider_core::{Error, Model, ModelQuery, ModelSort};
use provider_registry::ModelRef;
use serde::Serialize;

use self::lists::Lists;
use crate::cli::{ConnectArgs, ModelsArgs, ModelsCommand, SortBy};
use crate::connect::Host;
use crate::diagnostics;
use crate::exit::Failure;
use crate::output::Output;
use crate::output::number::{grouped, or_unknown, per_million};
use crate::output::progress::Progress;
use crate::output::table::Table;

#[derive(Serialize)]
struct Listed<'a> {
    /// The number of models in the catalogues.
    total_count: usize,
    models: Vec<ListedModel<'a>>,
    /// The providers whose catalogue cannot be had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed<'a>>,
}

/// A model, and the id that its provider is connected under.
#[derive(Serialize)]
struct ListedModel<'a> {
    provider: &'a str,
    #[serde(flatten)]
    model: &'a Model,
}

#[derive(Serialize)]
struct Failed<'a> {
    provider: &'a str,
    error: &'a Error,
}

pub(crate) async fn run(args: &ModelsArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let host = Host::open(connect, output).await?;
    if let Some(ModelsCommand::Show { model, json, .. }) = &args.command {
        return page::show(model, *json, &host, output).await;
    }
    let progress = Progress::new(output, "fetching the list of models");
    let lists = progress.during(Lists::fetch(&host)).await?;

    if let Some(error) = unknown::words(args, lists.catalogue()) {
        return Err(Failure::Provider(error));
    }
    let models = lists.select(&args.query());
    let total_count = lists.catalogue().models.len();
    if args.json {
        let models = models.iter().map(|&(provider, model)| ListedModel { provider, model }).collect();
        let failed = lists.failed().map(|(provider, error)| Failed { provider, error }).collect();
        return Ok(output.write_json(&Listed { total_count, models, failed })?);
    }
    let hidden = match args.all {
        true => 0,
        false => lists.catalogue().models.iter().filter(|model| !model.is_selectable()).count(),
    };
    let count = counted(models.len(), total_count, hidden);
    if !models.is_empty() {
        output.write(&table(&models, host.has_several()).render(output.columns, output.out))?;
    }
    for (_, error) in lists.failed() {
        diagnostics::line(&diagnostics::sentence(error), output);
    }
    output.note(&output.err.dim(count).to_string());
    Ok(())
}

/// How many models are listed, of how many that a chat can be had with.
fn counted(listed: usize, total: usize, hidden: usize) -> String {
    let asked = total.saturating_sub(hidden);
    let count =
        if listed == asked { format!("{asked} models") } else { format!("{listed} of {asked} models") };
    match hidden {
        0 => count,
        hidden => format!("{count}; --all looks through {hidden} more, with which no chat can be had"),
    }
}

impl ModelsArgs {
    fn query(&self) -> ModelQuery {
        let mut query = ModelQuery::new(self.words.join(" "));
        query.free = self.free;
        query.parameters.clone_from(&self.supports);
        query.input_modalities.clone_from(&self.input_modality);
        query.output_modalities.clone_from(&self.output_modality);
        query.authors.clone_from(&self.author);
        query.min_context = self.min_context;
        query.max_prompt_price = self.max_price;
        query.max_completion_price = self.max_price;
        query.include_unselectable = self.all;
        query.limit = self.limit;
        query.sort(match self.sort {
            None if self.words.is_empty() => ModelSort::Id,
            None | Some(SortBy::Relevance) => ModelSort::Relevance,
            Some(SortBy::Id) => ModelSort::Id,
            Some(SortBy::Price) => ModelSort::Price,
            Some(SortBy::Context) => ModelSort::Context,
            Some(SortBy::Newest) => ModelSort::Newest,
        })
    }
}

fn table(models: &[(&str, &Model)], names_providers: bool) -> Table {
    let mut table = Table::new()
        .left("ID")
        .right("CONTEXT")
        .right("MAX OUT")
        .right("$/M IN")
        .right("$/M OUT")
        .left("CAN");
    for (provider, model) in models {
        let id = match names_providers {
            true => ModelRef::new(*provider, &model.id).to_string(),
            false => model.id.clone(),
        };
        table.row([
            id,
            or_unknown(model.context_length, grouped),
            or_unknown(model.max_completion_tokens, grouped),
            per_million(model.pricing.prompt),
            per_million(model.pricing.completion),
            abilities(model),
        ]);
    }
    table
}

/// The figures by which people choose a model, and a warning if it will be withdrawn.
fn abilities(model: &Model) -> String {
    let flags = [
        ("tools", model.supports_tools()),
        ("json", model.supports_json()),
        ("reasoning", model.supports_reasoning()),
        ("vision", model.supports_input("image")),
        ("batch only", model.batch_only),
    ];
    let mut words: Vec<String> =
        flags.into_iter().filter(|(_, has)| *has).map(|(word, _)| word.to_owned()).collect();
    let deprecation = model.deprecation(SystemTime::now());
    words.extend(deprecation.map(|deprecation| format!("(ends {})", deprecation.date)));
    words.join(" ")
}
