use super::*;

const LONG: &str = "The sky is blue because the air scatters short waves more than long ones.";

/// The text that comes of pieces behind an earlier text, and how many bytes were repeated.
fn joined(earlier: &str, pieces: &[&str], is_cut_off: bool) -> (String, usize) {
    let mut overlap = Overlap::new(earlier.to_owned());
    let mut text: String = pieces.iter().map(|piece| overlap.push(piece).into_owned()).collect();
    text.push_str(&overlap.finish(is_cut_off));
    (text, overlap.repeated())
}

#[test]
fn long_repetition_is_cut_however_it_is_cut_into_pieces() {
    let next = " At sunset it is red.";
    let whole = format!("{LONG}{next}");
    let end = format!("{}{next}", &LONG[LONG.len() - MIN_OVERLAP..]);
    for size in [1, 2, 7, 500] {
        for text in [&whole, &end] {
            let pieces: Vec<&str> =
                text.as_bytes().chunks(size).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
            let expected = (next.to_owned(), text.len() - next.len());
            assert_eq!(joined(LONG, &pieces, false), expected, "{size}: {text}");
        }
    }
}

#[test]
fn short_repetition_is_kept() {
    let short = &LONG[LONG.len() - MIN_OVERLAP + 1..];
    assert_eq!(joined(LONG, &[short, "!"], false), (format!("{short}!"), 0));
    assert_eq!(joined("Hello", &["Hello, you"], false), ("Hello, you".to_owned(), 0));
}

#[test]
fn repetition_that_differs_is_kept() {
    let other = LONG.replace("blue", "grey");
    assert_eq!(joined(LONG, &[&other], false), (other.clone(), 0));
    let begun = &LONG[..50];
    assert_eq!(joined(LONG, &[begun, " and so on"], false), (format!("{begun} and so on"), 0));
}

#[test]
fn repetition_of_what_was_written_often_is_kept() {
    let rule = "-".repeat(100);
    assert_eq!(joined(&rule, &[&rule], false), (rule.clone(), 0));
}

#[test]
fn white_space_that_was_not_sent_is_cut() {
    assert_eq!(joined("Hello ", &[" ", "world"], false), ("world".to_owned(), 1));
    assert_eq!(joined("One.\n\n", &["\n", "\nTwo."], false), ("Two.".to_owned(), 2));
    assert_eq!(joined("One.\n\n", &["\nTwo."], false), ("\nTwo.".to_owned(), 0));
    assert_eq!(joined("Hello ", &["world"], false), ("world".to_owned(), 0));
}

#[test]
fn text_that_is_held_back_comes_with_the_end() {
    assert_eq!(joined(LONG, &["The sky"], false), ("The sky".to_owned(), 0));
    assert_eq!(joined(LONG, &["The sky"], true), ("The sky".to_owned(), 0));
    let begun = &LONG[..50];
    assert_eq!(joined(LONG, &[begun], false), (begun.to_owned(), 0));
    assert_eq!(joined(LONG, &[begun], true), (String::new(), 50), "an error cut the repetition off");
}

#[test]
fn characters_of_several_bytes_stay_whole() {
    let earlier = "空はなぜ青いのですか。空気が短い波を散らすからです。";
    assert_eq!(
        joined(earlier, &[earlier, "夕方は赤い。"], false),
        ("夕方は赤い。".to_owned(), earlier.len())
    );
}
