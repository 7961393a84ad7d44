//! The options of request fields, and advice that names them.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::wording::plain;

/// Fields of a request whose options have other names.
const OPTIONS: &[(&str, &str)] = &[
    ("messages", "the prompt"),
    ("model", "the model"),
    ("options.allow_paid_fallback", "--allow-paid-fallback"),
    ("options.headers", "--header"),
    ("options.models", "--fallback"),
    ("options.provider.max_price", "--max-price-in, --max-price-out"),
    ("options.provider", "the --provider-… options"),
    ("options.response_cache", "--response-cache"),
    ("options.server_tools", "--tools"),
    ("response_format", "--json-schema"),
    ("tools", "--tools"),
];

/// The option of a request's field, or the field's name if it has none.
pub(super) fn option(field: &str) -> String {
    let is_part_of = |whole: &str| {
        field.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    if let Some((_, option)) = OPTIONS.iter().find(|(name, _)| is_part_of(name)) {
        return (*option).to_owned();
    }
    if let Some((_, name)) = field.strip_prefix("extra.").and_then(|rest| rest.split_once('.')) {
        return format!("--extra {name}");
    }
    let name = field.strip_prefix("options.").unwrap_or(field);
    let flag = name.split(['.', '[']).next().unwrap_or(name).replace('_', "-");
    let command = Cli::command();
    let is_flag = command
        .find_subcommand("chat")
        .is_some_and(|chat| chat.get_arguments().any(|argument| argument.get_long() == Some(&flag)));
    if is_flag { format!("--{flag}") } else { field.to_owned() }
}

/// Advice in the words of the command line: between backticks are options and names.
pub(super) fn advice(step: &str) -> String {
    let plain = plain(step);
    let parts = plain.split('`').enumerate().map(|(number, part)| match number % 2 {
        1 if part.contains(' ') => format!("`{part}`"),
        1 => option(part),
        _ => part.to_owned(),
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::{advice, option};

    #[test]
    fn advice_has_backticks_around_commands_alone() {
        assert_eq!(
            advice("lower `max_tokens` of the plugin `armor`"),
            "lower --max-tokens of the plugin armor"
        );
        assert_eq!(advice("`asq key` shows it"), "`asq key` shows it");
        assert_eq!(
            advice("set base_url to the address of the API"),
            "set --base-url (of one provider among several: --set ID.base_url) to the address of the API"
        );
    }

    #[test]
    fn fields_have_the_names_of_their_options() {
        for (field, said) in [
            ("temperature", "--temperature"),
            ("top_logprobs", "--top-logprobs"),
            ("options.models", "--fallback"),
            ("options.models[2]", "--fallback"),
            ("options.session_id", "--session-id"),
            ("tools[0].function.name", "--tools"),
            ("response_format.json_schema.name", "--json-schema"),
            ("extra.openrouter.temperature", "--extra temperature"),
            ("metadata", "--metadata"),
            ("logit_bias.50256", "logit_bias.50256"),
        ] {
            assert_eq!(option(field), said);
        }
    }
}
