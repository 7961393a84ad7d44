//! Replaces the libraries' names in messages with those of the command line.

use std::borrow::Cow;

use clap::CommandFactory;

use crate::cli::Cli;

/// Words of the libraries, and their replacements. Of two that overlap, the longer comes first.
const WORDS: &[(&str, &str)] = &[
    ("; raise Limits::max_frame_bytes to read it", ""),
    (" (Limits::max_tool_argument_bytes)", ""),
    (" (Limits::max_body_bytes)", ""),
    (" (Limits::total_timeout)", ""),
    ("; use `file_url`", "; give its address on the web in its place"),
    (", or for whoever sets allow_http", " alone"),
    ("; for longer lists fall back on the client's side", ""),
    (" (`stream` comes from the method that is called)", ""),
    ("call `allow_paid_fallback`", "give --allow-paid-fallback"),
    ("`logprobs` to be true", "--logprobs"),
    ("leave parameters out, or `require_parameters`", "leave parameters out, or --require-parameters"),
    ("`provider.only`", "--provider-only"),
    ("`provider.ignore`", "--provider-ignore"),
    ("`provider.quantizations`", "--quantization"),
    ("`max_tokens`", "--max-tokens"),
    ("another name of max_tokens", "another name of --max-tokens"),
    ("`max_price`", "--max-price-in or --max-price-out"),
    ("`require_parameters`", "--require-parameters"),
    (", or build with the feature `socks` of openrouter-provider", ""),
    ("give the client one: OpenRouterBuilder::http_client", "this program has none to show"),
    (" base_url", " --base-url or OPENROUTER_BASE_URL"),
];

/// Whole messages that need a subject.
const SENTENCES: &[(&str, &str)] = &[
    ("a web page", "the service answered with a web page, not with an answer"),
    ("an empty body", "the service answered with nothing"),
];

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

/// A message in the words of the command line.
pub(crate) fn plain(message: &str) -> Cow<'_, str> {
    if let Some((_, sentence)) = SENTENCES.iter().find(|(whole, _)| *whole == message) {
        return Cow::Borrowed(sentence);
    }
    let mut plain = Cow::Borrowed(message);
    for (library, command_line) in WORDS {
        if plain.contains(library) {
            plain = Cow::Owned(plain.replace(library, command_line));
        }
    }
    plain
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

/// The option of a request's field, or the field's name if it has none.
pub(super) fn option(field: &str) -> String {
    let is_part_of = |whole: &str| {
        field.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    if let Some((_, option)) = OPTIONS.iter().find(|(name, _)| is_part_of(name)) {
        return (*option).to_owned();
    }
    if let Some(name) = field.strip_prefix("extra.") {
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{SENTENCES, WORDS, advice, option, plain};

    #[test]
    fn advice_has_backticks_around_commands_alone() {
        assert_eq!(
            advice("lower `max_tokens` of the plugin `armor`"),
            "lower --max-tokens of the plugin armor"
        );
        assert_eq!(advice("`provider-host key` shows it"), "`provider-host key` shows it");
        assert_eq!(
            advice("set base_url to the address of the API"),
            "set --base-url or OPENROUTER_BASE_URL to the address of the API"
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
            ("extra.temperature", "--extra temperature"),
            ("metadata", "--metadata"),
            ("logit_bias.50256", "logit_bias.50256"),
        ] {
            assert_eq!(option(field), said);
        }
    }

    /// The source of the libraries with each string on one line, without comments and tests.
    fn library() -> String {
        fn read(folder: &Path, code: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    read(&path, code);
                } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
                    code.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let mut code = String::new();
        for library in ["openrouter-provider", "provider-core", "provider-layers", "provider-registry"] {
            read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(library).join("src"), &mut code);
        }
        let lines = code.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
        lines.fold(String::new(), |code, line| match line.strip_suffix('\\') {
            Some(open) => code + open,
            None => code + line + "\n",
        })
    }

    #[test]
    fn replaced_words_occur_in_the_libraries() {
        let library = library();
        for (words, _) in WORDS {
            assert!(library.contains(words), "{words:?}");
        }
        for (sentence, _) in SENTENCES {
            assert!(library.contains(&format!("\"{sentence}\"")), "{sentence:?}");
        }
        let texts = library.lines().filter_map(|line| Some(line.split_once('"')?.1.rsplit_once('"')?.0));
        for said in texts.map(plain) {
            for word in ["Limits::", "Builder::", " base_url"] {
                assert!(!said.contains(word), "{word:?} in {said:?}");
            }
        }
    }

    #[test]
    fn plain_leaves_no_word_of_the_libraries() {
        for (library, _) in WORDS {
            let said = plain(library);
            assert!(!said.contains(['`', '_']) || said.contains("OPENROUTER_BASE_URL"), "{said}");
            assert!(!said.contains("::"), "{said}");
        }
        assert_eq!(plain("the service's own `words` stay"), "the service's own `words` stay");
    }
}
