//! `providers`: shows the linked providers and their settings. It connects none and sends nothing.

use provider_core::{Capability, ConfigField, FieldKind, ProviderDescriptor};
use provider_registry::Registry;
use serde::Serialize;

use crate::cli::{ProvidersArgs, ProvidersCommand};
use crate::connect;
use crate::exit::Failure;
use crate::output::number::UNKNOWN;
use crate::output::table::{Look, Table};
use crate::output::{Output, text};

/// A provider, with the settings of the layers around it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    provider: &'static ProviderDescriptor,
    layer_fields: Vec<ConfigField>,
}

#[derive(Serialize)]
struct Listed {
    providers: Vec<&'static ProviderDescriptor>,
}

pub(crate) fn run(args: &ProvidersArgs, output: Output) -> Result<(), Failure> {
    let registry = Registry::discover()?;
    match &args.command {
        None | Some(ProvidersCommand::List) => {
            let providers: Vec<_> = registry.providers().collect();
            match args.json {
                true => Ok(output.write_json(&Listed { providers })?),
                false => Ok(output.write(&list(&providers).render(output.columns, output.out))?),
            }
        }
        Some(ProvidersCommand::Show { name }) => {
            let provider = connect::descriptor(&registry, name)?;
            let fields = registry.fields(provider.id)?;
            if !args.json {
                return Ok(output.write(&page(provider, &fields, output))?);
            }
            let layer_fields = fields.get(provider.fields.len()..).unwrap_or_default().to_vec();
            Ok(output.write_json(&Shown { provider, layer_fields })?)
        }
    }
}

fn list(providers: &[&ProviderDescriptor]) -> Table {
    let mut table = Table::new().left("ID").left("NAME").left("CAN");
    for provider in providers {
        let can = provider.capabilities.to_string();
        table.row([provider.id.to_owned(), provider.display_name.to_owned(), can]);
    }
    table
}

fn page(provider: &ProviderDescriptor, fields: &[ConfigField], output: Output) -> String {
    let title = output.out.bold(format!("{} ({})", provider.display_name, provider.id));
    let prose = |line: String| match output.columns {
        Some(room) => text::wrap(&line, room, 2).join("\n") + "\n",
        None => line + "\n",
    };
    let mut sections = vec![format!("{title}\n{}", prose(provider.description.to_owned()))];
    sections.push(capabilities(provider).render(output.columns, output.out));
    for fields in fields.chunk_by(|one, next| one.group == next.group) {
        let heading = fields.first().and_then(|field| field.group);
        let heading = heading.map(|heading| format!("{}\n", output.out.bold(heading.to_owned())));
        let table = settings(fields).render(output.columns, output.out);
        sections.push(heading.unwrap_or_default() + &table);
    }
    sections.push(fields.iter().map(help).map(prose).collect());
    sections.push(links(provider).map(prose).collect());
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

fn capabilities(provider: &ProviderDescriptor) -> Table {
    let mut table = Table::new().left("CAPABILITY").left("NAME").left("HAS IT");
    for &capability in Capability::ALL {
        let has = yes_or_no(provider.capabilities.has(capability));
        table.row([capability.label().to_owned(), capability.name().to_owned(), has]);
        if capability == Capability::ImageUnderstanding && provider.capabilities.has(capability) {
            table.below("by model: `asq models --input-modality image` lists which", Look::Faint);
        }
    }
    table
}

fn settings(fields: &[ConfigField]) -> Table {
    let mut table = Table::new()
        .left("SETTING")
        .left("LABEL")
        .left("KIND")
        .left("REQUIRED")
        .left("ENVIRONMENT")
        .left("DEFAULT");
    for field in fields {
        table.row([
            field.key.to_owned(),
            field.label.to_owned(),
            kind(field.kind).to_owned(),
            yes_or_no(field.required),
            field.env.unwrap_or(UNKNOWN).to_owned(),
            field.default.unwrap_or(UNKNOWN).to_owned(),
        ]);
    }
    table
}

fn help(field: &ConfigField) -> String {
    let example = match field.placeholder {
        "" => String::new(),
        example => format!(" Example: {example}"),
    };
    let choices = match field.options {
        [] => String::new(),
        options => format!(" One of: {}.", options.join(", ")),
    };
    format!("{}: {}{choices}{example}", field.key, field.help)
}

fn links(provider: &ProviderDescriptor) -> impl Iterator<Item = String> {
    let links = provider.links;
    [("keys", links.key), ("docs", links.docs), ("models", links.models), ("status", links.status)]
        .into_iter()
        .filter_map(|(name, link)| Some(format!("{name:<7} {}", link?)))
}

fn kind(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Secret => "secret",
        FieldKind::Text => "text",
        FieldKind::Url => "url",
        FieldKind::Select => "choice",
        FieldKind::List => "list",
        FieldKind::Bool => "yes or no",
        FieldKind::Integer => "integer",
        FieldKind::Number => "number",
        FieldKind::Duration => "seconds",
        FieldKind::Json => "JSON",
        _ => "other",
    }
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
