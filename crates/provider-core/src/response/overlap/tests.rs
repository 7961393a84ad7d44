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

#[test]
fn long_texts_are_compared_with_their_end_and_their_whole() {
    let line = |number: usize| format!("Line {number} of a long text.\n");
    let earlier: String = (0..1000).map(line).collect();
    let end = &earlier[earlier.len() - MAX_OVERLAP..];
    let longer = &earlier[earlier.len() - MAX_OVERLAP - 1..];
    for (again, repeated) in [(&*earlier, earlier.len()), (end, MAX_OVERLAP), (longer, 0)] {
        let text = format!("{again}The end.");
        let (kept, cut) = joined(&earlier, &[&text], false);
        assert_eq!((cut, kept.len()), (repeated, text.len() - repeated));
    }
}

#[test]
fn pieces_make_no_difference_and_the_longest_exact_repetition_is_cut() {
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or_default() % below
    };
    let mut cuts = 0;
    for _ in 0..2000 {
        let letters = 1 + random(3);
        let earlier: String = (0..random(120)).map(|_| char::from(b"ab "[random(letters)])).collect();
        let mut next = earlier[random(earlier.len() + 1)..].to_owned();
        next.extend((0..random(20)).map(|_| char::from(b"ab "[random(letters)])));
        let whole = joined(&earlier, &[&next], false);
        for size in [1, 3, 31] {
            let pieces: Vec<&str> =
                next.as_bytes().chunks(size).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
            assert_eq!(joined(&earlier, &pieces, false), whole, "{size}: {earlier:?} {next:?}");
        }
        let (kept, repeated) = whole;
        let is_repeated = |length: &usize| earlier.ends_with(&next[..*length]);
        assert!(is_repeated(&repeated) && kept == next[repeated..], "{earlier:?} {next:?}");
        let longest = (0..=next.len()).rev().find(is_repeated).unwrap_or_default();
        let is_blank = earlier[earlier.trim_end().len()..].len() == repeated;
        assert!(repeated == longest || repeated == 0 || is_blank, "{earlier:?} {next:?}");
        cuts += usize::from(repeated >= MIN_OVERLAP);
    }
    assert!(cuts > 100, "only {cuts}");
}
