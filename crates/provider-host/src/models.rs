//! `models`: the catalogue, searched, filtered and sorted here, so that conditions can be combined freely.

use std::cmp::Reverse;

use provider_core::{Model, Price};
use serde::Serialize;

use crate::cli::{ConnectArgs, ModelsArgs, SortBy};
use crate::connect::Host;
use crate::exit::Failure;
use crate::output::Output;
use crate::output::number::{grouped, or_unknown, per_million};
use crate::output::progress::Progress;
use crate::output::table::Table;

#[derive(Serialize)]
struct Listed<'a> {
    /// How many models the catalogue has.
    total_count: usize,
    models: Vec<&'a Model>,
}

pub(crate) async fn run(args: &ModelsArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let host = Host::open(connect, output).await?;
    let progress = Progress::new(output, "fetching the list of models");
    let catalogue = progress.during(host.instance()?.catalogue()).await?;

    let words = args.words.join(" ");
    let mut models: Vec<&Model> = catalogue.search(&words).filter(|model| args.want(model)).collect();
    sort(&mut models, args.sort);
    models.truncate(args.limit.unwrap_or(usize::MAX));

    let total_count = catalogue.models.len();
    if args.json {
        return Ok(output.write_json(&Listed { total_count, models })?);
    }
    let count = format!("{} of {total_count} models", models.len());
    if !models.is_empty() {
        output.write(&table(&models).render(output.columns, output.out))?;
    }
    output.note(&output.err.dim(count).to_string());
    Ok(())
}

impl ModelsArgs {
    fn want(&self, model: &Model) -> bool {
        let reads = |modality: &String| model.input_modalities.contains(modality);
        (!self.free || model.is_free())
            && self.supports.iter().all(|parameter| model.supports(parameter))
            && self.input.iter().all(reads)
            && self.min_context.is_none_or(|least| model.context_length.is_some_and(|length| length >= least))
    }
}

/// Sorts; what is unknown comes last, and equals are ordered by id.
fn sort(models: &mut [&Model], by: SortBy) {
    models.sort_by(|a, b| a.id.cmp(&b.id));
    match by {
        SortBy::Id => {}
        SortBy::Price => models.sort_by_key(|model| {
            let amount = |price: Option<Price>| price.and_then(Price::amount);
            let both = amount(model.pricing.prompt).zip(amount(model.pricing.completion));
            (both.is_none(), both.map(|(prompt, completion)| prompt + completion))
        }),
        // `None` is less than any number.
        SortBy::Context => models.sort_by_key(|model| Reverse(model.context_length)),
        SortBy::Newest => models.sort_by_key(|model| Reverse(model.created)),
    }
}

fn table(models: &[&Model]) -> Table {
    let mut table = Table::new()
        .left("ID")
        .right("CONTEXT")
        .right("MAX OUT")
        .right("$/M IN")
        .right("$/M OUT")
        .left("CAN");
    for model in models {
        table.row([
            model.id.clone(),
            or_unknown(model.context_length, grouped),
            or_unknown(model.max_completion_tokens, grouped),
            per_million(model.pricing.prompt),
            per_million(model.pricing.completion),
            abilities(model),
        ]);
    }
    table
}

/// What people pick a model by, and a warning if it will go away.
fn abilities(model: &Model) -> String {
    let reads_images = model.input_modalities.iter().any(|modality| modality == "image");
    let flags = [
        ("tools", model.supports("tools")),
        ("json", model.supports("response_format") || model.supports("structured_outputs")),
        ("reasoning", model.supports("reasoning")),
        ("vision", reads_images),
    ];
    let mut words: Vec<String> =
        flags.into_iter().filter(|(_, has)| *has).map(|(word, _)| word.to_owned()).collect();
    words.extend(model.expiration_date.as_ref().map(|day| format!("(ends {day})")));
    words.join(" ")
}
