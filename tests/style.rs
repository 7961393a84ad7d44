//! The language rule of CONTRIBUTING.md, as far as a machine can count it. The ceilings may only fall.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::path::{Path, PathBuf};

/// The widest a comment may be, in columns.
const WIDTH: usize = 110;
/// Comment lines wider than that.
const MAX_WIDE: usize = 0;
/// Comment lines that open with a word that hides the subject.
const MAX_RIDDLES: usize = 0;
const RIDDLES: [&str; 5] = ["What", "Who", "Nobody", "Nothing", "Everybody"];

#[test]
fn comments_keep_the_language_rule() {
    let (mut wide, mut riddles) = (Vec::new(), Vec::new());
    for file in sources() {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        for (number, line) in text.lines().enumerate() {
            let Some(comment) = line.trim_start().strip_prefix("//") else { continue };
            let place = || format!("{}:{}", file.display(), number + 1);
            if line.chars().count() > WIDTH {
                wide.push(place());
            }
            let words = comment.trim_start_matches(['/', '!']).trim_start();
            let first: String = words.chars().take_while(|c| c.is_alphabetic()).collect();
            if RIDDLES.contains(&first.as_str()) {
                riddles.push(place());
            }
        }
    }
    within(&wide, MAX_WIDE, "comment lines are wider than 110 columns");
    within(&riddles, MAX_RIDDLES, "comment lines open with What, Who, Nobody, Nothing or Everybody");
}

fn within(places: &[String], ceiling: usize, what: &str) {
    let count = places.len();
    let some: Vec<&str> = places.iter().rev().take(10).map(String::as_str).collect();
    assert!(count <= ceiling, "{count} {what}, at most {ceiling} are allowed: {}", some.join(", "));
}

/// The Rust files of the project, without what cargo builds.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<PathBuf> =
        ["crates", "examples", "tests", "docs", "fuzz"].map(|name| root.join(name)).to_vec();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a readable folder").flatten() {
            let path = entry.path();
            if path.is_dir() && entry.file_name() != "target" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
