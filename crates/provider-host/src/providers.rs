//! `providers`: what is linked in, and what each takes. Nothing is connected and nothing is sent.

use provider_core::{Capability, ConfigField, FieldKind, ProviderDescriptor};
use provider_registry::Registry;
use serde::Serialize;

use crate::cli::{ProvidersArgs, ProvidersCommand};
use crate::exit::Failure;
use crate::output::Output;
use crate::output::number::UNKNOWN;
use crate::output::table::Table;

/// A provider, and what all providers take beside their own settings.
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
            let (provider, fields) = (registry.descriptor(name)?, registry.fields(name)?);
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
    let mut sections = vec![format!("{title}\n{}\n", provider.description)];
    sections.push(capabilities(provider).render(output.columns, output.out));
    sections.push(settings(fields).render(output.columns, output.out));
    sections.push(fields.iter().map(help).collect());
    sections.push(links(provider));
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

fn capabilities(provider: &ProviderDescriptor) -> Table {
    let mut table = Table::new().left("CAPABILITY").left("NAME").left("HAS IT");
    for capability in Capability::ALL {
        let has = yes_or_no(provider.capabilities.has(capability));
        table.row([capability.label().to_owned(), capability.name().to_owned(), has]);
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
    format!("{}: {}{example}\n", field.key, field.help)
}

fn links(provider: &ProviderDescriptor) -> String {
    let links = provider.links;
    [("keys", links.key), ("docs", links.docs), ("models", links.models), ("status", links.status)]
        .into_iter()
        .filter_map(|(name, link)| Some(format!("{name:<7} {}\n", link?)))
        .collect()
}

fn kind(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Secret => "secret",
        FieldKind::Text => "text",
        FieldKind::Url => "url",
        FieldKind::Select => "choice",
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
