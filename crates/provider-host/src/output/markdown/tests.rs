use super::Markdown;
use crate::output::style::{ColorChoice, Paint};
use crate::output::text::width;

/// The text rendered at once.
fn rendered(text: &str, columns: usize) -> String {
    let mut markdown = Markdown::new(Paint::new(ColorChoice::Always, false), columns);
    let mut out = markdown.push(text);
    out.push_str(&markdown.end());
    out
}

const SAMPLE: &str = "\
# A *heading* of its own

Some **bold text**, some *slanted*, `code * here` and ~~gone~~: [the page](https://example.com/a_b).
2 * 3 is 6, snake_case_name stays, and \\*so\\* does this. An open **mark is text.

- one item that is long enough to be wrapped at sixty columns, and then goes on
  - nested
1. first
12) twelfth
> quoted words that are long enough to be wrapped as well, with a bar in front
---
| Name | Price |
|------|------:|
| `a`  | **1.25** |
| a longer one | 2 |

```rust
let x = a * b; // **not bold**
```
안녕하세요. 이것은 한국어로 된 긴 문장이며 단어 사이에서만 줄이 바뀌어야 합니다. 日本語の長い文は、どこでも改行できますが、句点の前ではできません。
";

#[test]
fn pieces_give_the_same_as_the_whole() {
    for columns in [20, 60, 100] {
        let whole = rendered(SAMPLE, columns);
        for size in [1, 2, 3, 7, 40] {
            let mut markdown = Markdown::new(Paint::new(ColorChoice::Always, false), columns);
            let chars: Vec<char> = SAMPLE.chars().collect();
            let mut out = String::new();
            for piece in chars.chunks(size) {
                out.push_str(&markdown.push(&piece.iter().collect::<String>()));
            }
            out.push_str(&markdown.end());
            assert_eq!(out, whole, "pieces of {size} at {columns}");
        }
    }
}

#[test]
fn lines_fit_the_terminal() {
    for columns in [20, 40, 60] {
        for line in rendered(SAMPLE, columns).lines() {
            let is_one_word = line.trim_start_matches(['│', ' ', '•']).split(' ').count() == 1;
            assert!(width(line) <= columns || is_one_word || line.contains("let x"), "{columns}: {line:?}");
        }
    }
}

#[test]
fn marks_become_styles() {
    for (text, expected) in [
        ("**bold** x", "\x1b[1mbold\x1b[0m x"),
        ("__bold__ x", "\x1b[1mbold\x1b[0m x"),
        ("*it* _it_", "\x1b[3mit\x1b[0m \x1b[3mit\x1b[0m"),
        ("***both***", "\x1b[1;3mboth\x1b[0m"),
        ("**a *b* c**", "\x1b[1ma\x1b[0m \x1b[1;3mb\x1b[0m \x1b[1mc\x1b[0m"),
        ("`a*b*`", "\x1b[36ma*b*\x1b[0m"),
        ("``a`b``", "\x1b[36ma`b\x1b[0m"),
        ("~~no~~", "\x1b[9mno\x1b[0m"),
        ("[a](b)", "\x1b[4ma\x1b[0m \x1b[2m(b)\x1b[0m"),
        ("## Head", "\x1b[1mHead\x1b[0m"),
        ("- a", "• a"),
        ("> a", "\x1b[2m│ \x1b[0ma"),
    ] {
        assert_eq!(rendered(text, 80), expected, "{text}");
    }
}

#[test]
fn text_that_only_looks_like_marks_stays() {
    for text in [
        "2 * 3 * 4",
        "snake_case_name",
        "an **open mark",
        "a ` tick",
        "[1] and [2]",
        "#tag",
        "1.5 or 2",
        "-5",
        "*",
        "a*",
        "** x **",
        "x[0](",
        "\\",
        "$a_1$ and $b_1$",
        "1234567890. x",
    ] {
        assert_eq!(rendered(text, 80), text);
    }
    assert_eq!(rendered("\\*a\\*", 80), "*a*");
}

#[test]
fn code_is_written_as_it_is() {
    let code = "```\n  a **b**   c\n\tx\n``` \nafter";
    let out = rendered(code, 10);
    assert!(out.contains("\n  a **b**   c\n\tx\n"), "{out:?}");
    assert!(out.ends_with("\nafter"), "{out:?}");
}

#[test]
fn words_are_written_as_they_come() {
    let mut markdown = Markdown::new(Paint::new(ColorChoice::Always, false), 80);
    assert_eq!(markdown.push("One tw"), "One");
    assert_eq!(markdown.push("o **th"), " two");
    assert_eq!(markdown.push("ree** f"), " \x1b[1mthree\x1b[0m");
    // A mark without an end is held back for no longer than a span may be.
    assert_eq!(markdown.push(" *x "), " f");
    assert!(markdown.push(&"y ".repeat(200)).contains("*x y y"));
    assert_eq!(markdown.push("```").len(), 0);
}

#[test]
fn continued_lines_hang() {
    assert_eq!(rendered("- one two three", 9), "• one two\n  three");
    assert_eq!(rendered("10. one two three", 11), "10. one two\n    three");
    assert_eq!(rendered("  one two", 7), "  one\n  two");
}

#[test]
fn wide_characters_count_twice() {
    assert_eq!(rendered("안녕 하세요 여러분", 11), "안녕 하세요\n여러분");
    assert_eq!(rendered("日本語。", 6), "日本\n語。");
    assert_eq!(rendered("가나다라마바사", 6), "가나다\n라마바\n사");
    assert_eq!(rendered("https://example.com/long", 6), "https://example.com/long");
}

#[test]
fn table_is_aligned_as_it_comes() {
    let out = rendered("| A | B |\n|---|---|\n| 한글 | c |\n| d | e |\n", 40);
    assert_eq!(out, "\x1b[1mA\x1b[0m │ \x1b[1mB\x1b[0m\n\x1b[2m──┼──\x1b[0m\n한글 │ c\nd    │ e\n");
}

#[test]
fn without_colours_marks_stay_and_lines_are_wrapped() {
    let mut markdown = Markdown::new(Paint::new(ColorChoice::Never, true), 13);
    let mut out = markdown.push("# Head\n- **one** two three\n> quoted\n---");
    out.push_str(&markdown.end());
    assert_eq!(out, "# Head\n- **one** two\n  three\n> quoted\n---");
}

#[test]
fn control_characters_are_left_out() {
    assert_eq!(rendered("a\x1b[31mb\r\n", 80), "a[31mb\n");
}
