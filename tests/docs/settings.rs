//! The tables of settings in the README and on the page of compatible servers.

use openrouter_provider::FIELDS;
use provider_core::{ConfigField, FieldKind};

/// The tables in the README are written from the field tables.
#[test]
fn the_readme_has_the_tables_of_settings() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"));
    let readme = readme.expect("a README");
    for fields in [FIELDS, provider_layers::FIELDS] {
        let table = table(fields);
        assert!(readme.contains(&table), "the README should have this table:\n\n{table}");
    }
}

#[test]
fn the_page_of_compatible_servers_has_their_settings() {
    let table = table(openai_compatible_provider::FIELDS);
    let page = crate::page("compatible-servers.md");
    assert!(page.contains(&table), "compatible-servers.md should have this table:\n\n{table}");
}

fn table(fields: &[ConfigField]) -> String {
    let code = |text: Option<&str>| text.map_or("–".to_owned(), |text| format!("`{text}`"));
    let kind = |field: &ConfigField| match field.kind {
        FieldKind::Select => {
            field.options.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        FieldKind::Bool => "yes or no".to_owned(),
        FieldKind::Duration => "seconds".to_owned(),
        FieldKind::Json => "JSON".to_owned(),
        FieldKind::Url => "URL".to_owned(),
        kind => format!("{kind:?}").to_lowercase(),
    };
    let mut table =
        "| key | label | value | default | environment | what it is for |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for field in fields {
        let default = if field.required { "required".to_owned() } else { code(field.default) };
        let (env, key, label, help) = (code(field.env), field.key, field.label, field.help);
        table.push_str(&format!("| `{key}` | {label} | {} | {default} | {env} | {help} |\n", kind(field)));
    }
    table
}
