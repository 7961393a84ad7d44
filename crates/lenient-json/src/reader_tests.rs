use super::*;

fn taken(text: &str) -> Option<&str> {
    let mut json = Reader::new(text);
    json.value().filter(|_| json.is_at_end())
}

#[test]
fn it_takes_what_serde_json_takes() {
    let values = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "10",
        "-1.50",
        "1e9",
        "1E+9",
        "1.0e-9",
        "\"\"",
        "\"a\\n\\\"\\u00e9\"",
        "\"\\ud83d\"",
        "[]",
        "[ ]",
        "{}",
        "{ }",
        "[1,[2,{}],\"]\"]",
        "{\"a\":{\"b\":[]},\"c\" : \"}\"}",
        " \t\r\n[1 , 2 ] ",
        "\"é🗼\u{7f}\u{2028}\"",
    ];
    let no_values = [
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "--1",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\u{1}\"",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "]",
        "{",
        "{}}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "{,}",
        "[}",
        "{]",
        "[1}",
        "{\"a\":1]",
        "1 1",
        "[] []",
        "\u{feff}1",
        "\u{a0}1",
        "'a'",
        "NaN",
        "Infinity",
    ];
    for text in values {
        assert_eq!(taken(text), Some(text.trim()), "{text:?}");
    }
    for text in no_values {
        assert_eq!(taken(text), None, "{text:?}");
    }
    for text in values.iter().chain(&no_values) {
        let theirs = serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get);
        assert_eq!(taken(text), theirs, "{text:?}");
        for damaged in damaged(text) {
            let theirs = serde_json::from_str::<&RawValue>(&damaged).ok().map(RawValue::get);
            assert_eq!(taken(&damaged), theirs, "{damaged:?}");
        }
    }
}

/// The text with any character of it left out, doubled, or another one in its place.
fn damaged(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut damaged = Vec::new();
    for at in 0..characters.len() {
        for new in ["", "  ", "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "e", "-", ".", "\u{1}"] {
            let (before, after) = (&characters[..at], &characters[at + 1..]);
            damaged.push(before.iter().copied().chain(new.chars()).chain(after.iter().copied()).collect());
        }
    }
    damaged
}

#[test]
fn long_strings_are_looked_at_to_their_end() {
    for length in [0, 1, 22, 23, 24, 25, 47, 100, 10_000] {
        let before = "é".repeat(length / 2) + &"a".repeat(length % 2);
        for (end, is_json) in
            [("", true), ("\\n", true), ("\\\"", true), ("\n", false), ("\u{1f}", false), ("\\x", false)]
        {
            let text = format!("\"{before}{end}{before}\"");
            assert_eq!(taken(&text), is_json.then_some(&*text), "{text:?}");
            assert_eq!(serde_json::from_str::<&RawValue>(&text).is_ok(), is_json, "{text:?}");
        }
    }
}

#[test]
fn depth_is_no_matter() {
    for depth in [1, 63, 64, 65, 127, 128, 129, 1_000, 100_000] {
        let list = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(taken(&list), Some(&*list));
        let mixed = format!("{}1{}", "[{\"a\":".repeat(depth), "}]".repeat(depth));
        assert_eq!(taken(&mixed), Some(&*mixed));
        assert_eq!(taken(&mixed[..mixed.len() - 1]), None);
        assert_eq!(taken(&mixed.replacen("}]", "]}", 1)), None);
    }
}

#[test]
fn the_words_for_what_is_wrong_are_those_of_serde_json() {
    let wrong = |text| from_str::<crate::Raw<'_>>(text).map(drop).unwrap_err();
    assert!(wrong("{\"a\":").is_eof());
    assert!(wrong("[1,]").to_string().contains("line 1 column 4"), "{}", wrong("[1,]"));
    let no_object = object_from_str::<crate::Raw<'_>>("[]").map(drop).unwrap_err();
    assert_eq!(no_object.to_string(), "it is JSON, and no object");
}

#[test]
fn a_string_ends_at_its_first_special_byte_wherever_that_stands() {
    let length = |text: &str| plain_length(text.as_bytes());
    for before in 0..80 {
        for plain in ["a", "~", "\u{7f}", "\u{80}", "\u{a2}", "!", "#", "[", "]", "🗼"] {
            let start = plain.repeat(before);
            assert_eq!(length(&start), start.len());
            for special in ["\"", "\\", "\u{0}", "\n", "\u{1f}"] {
                // Those behind it must not count, next to it above all.
                for behind in ["", "\"\"", "\u{1}#!\\", " abc defg hijk lmno pqrs"] {
                    assert_eq!(
                        length(&format!("{start}{special}{behind}")),
                        start.len(),
                        "{start}{special:?}{behind:?}"
                    );
                }
            }
        }
    }
}
