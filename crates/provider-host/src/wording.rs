//! Replaces the libraries' names in messages with those of the command line.

use std::borrow::Cow;

/// Words of the libraries, and their replacements. Of two that overlap, the longer comes first.
const WORDS: &[(&str, &str)] = &[
    ("; raise HttpLimits::max_frame_bytes to read it", ""),
    (" (max_tool_argument_bytes)", ""),
    (" (HttpLimits::max_body_bytes)", ""),
    (" (total timeout)", ""),
    ("; use `file_url`", "; give its address on the web in its place"),
    (", or for whoever sets allow_http", " alone"),
    ("; for longer lists fall back on the client's side", ""),
    (" (`stream` comes from the method that is called)", ""),
    ("call `allow_paid_fallback`", "give --allow-paid-fallback"),
    ("`FallbackSettings::allow_paid`", "--allow-paid-fallback"),
    ("`ContinueSettings::allow_paid`", "--allow-paid-fallback"),
    ("enter the ids of its models in `models`", "name its models with --set models=ID,ID"),
    ("`logprobs` to be true", "--logprobs"),
    ("leave parameters out, or `require_parameters`", "leave parameters out, or --require-parameters"),
    ("`provider.only`", "--provider-only"),
    ("`provider.ignore`", "--provider-ignore"),
    ("`provider.quantizations`", "--quantization"),
    ("`max_tokens`", "--max-tokens"),
    (", or ask OpenRouter::key for what this key has left", "; asq key shows what this one has left"),
    ("; raise max_turns", ""),
    ("; raise max_cost", ""),
    ("another name of max_tokens", "another name of --max-tokens"),
    ("`max_price`", "--max-price-in or --max-price-out"),
    ("`require_parameters`", "--require-parameters"),
    (", or build with the feature `socks` of provider-http", ""),
    ("give the HTTP client one: HttpClientBuilder::rustls_config", "this program has none to show"),
    (" base_url", " --base-url (of one provider among several: --set ID.base_url)"),
];

/// Whole messages that need a subject.
const SENTENCES: &[(&str, &str)] = &[
    ("a web page", "the service answered with a web page, not with an answer"),
    ("an empty body", "the service answered with nothing"),
];

/// Flags, and the commands that stand for them in a conversation.
const COMMANDS: &[(&str, &str)] = &[
    ("--image", "/attach"),
    ("--file", "/attach"),
    ("--audio", "/attach"),
    ("--video", "/attach"),
    ("--tools", "/tools"),
    ("--system", "/system"),
    ("--fallback", "/model"),
];

/// A text in the words of a conversation at the terminal.
pub(crate) fn of_conversation(text: &str) -> Cow<'_, str> {
    let mut said = Cow::Borrowed(text);
    for (flag, command) in COMMANDS {
        if said.contains(flag) {
            said = Cow::Owned(said.replace(flag, command));
        }
    }
    said
}

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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{SENTENCES, WORDS, plain};

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
        for library in [
            "openrouter-provider",
            "openai-compatible-provider",
            "openai-wire",
            "provider-http",
            "provider-core",
            "provider-layers",
            "provider-registry",
        ] {
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
            assert!(!said.contains(['`', '_']) || said.contains("--set ID.base_url"), "{said}");
            assert!(!said.contains("::"), "{said}");
        }
        assert_eq!(plain("the service's own `words` stay"), "the service's own `words` stay");
    }
}
