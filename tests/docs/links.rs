//! Every file and page that the README and the pages point to is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders with nothing of the repository's own in them.
const NOT_OURS: [&str; 3] = ["target", ".git", "artifacts"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

/// The README and all pages.
fn texts() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs")).expect("a folder");
    let pages = entries.map(|entry| entry.expect("an entry").path());
    let pages = pages.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    [root().join("README.md")].into_iter().chain(pages).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for path in texts() {
        let text = fs::read_to_string(&path).expect("a text");
        for link in text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)) {
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().expect("a folder").join(file),
            };
            assert!(target.exists(), "{}: {link} is not there", path.display());
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(&target).expect("a text"));
                assert!(there.contains(anchor), "{}: {link} is none of {there:?}", path.display());
            }
        }
    }
    assert!(links > 30, "only {links}");
}

/// The names under which a page's headings can be linked to.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let named = |character: char| match character {
        ' ' => Some('-'),
        _ if character.is_alphanumeric() || character == '-' || character == '_' => {
            Some(character.to_ascii_lowercase())
        }
        _ => None,
    };
    headings
        .map(|heading| heading.trim_start_matches('#').trim().chars().filter_map(named).collect())
        .collect()
}

/// A path is named by its end: `failure/retry.rs`, `tests/generated`, `wire/`.
#[test]
fn every_file_that_is_named_exists() {
    let mut files = BTreeSet::new();
    collect(&root(), &mut files);
    let exists = |name: &str| files.iter().any(|file| file.ends_with(&format!("/{name}")));
    let mut names = 0;
    for path in texts() {
        let text = fs::read_to_string(&path).expect("a text");
        // Blocks show commands and code; what they name is the reader's.
        let prose = text.split("```").step_by(2);
        for name in prose.flat_map(|prose| prose.split('`').skip(1).step_by(2)).filter(|span| is_path(span)) {
            names += 1;
            assert!(exists(name.trim_end_matches('/')), "{}: {name} is not there", path.display());
        }
    }
    assert!(names > 50, "only {names}");
}

/// Whether a piece of code in a text is the path of a source file, or of a folder.
fn is_path(span: &str) -> bool {
    let kinds = [".rs", ".md", ".toml", ".sh", "/"];
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    !span.starts_with(['/', '.']) && span.chars().all(plain) && kinds.iter().any(|kind| span.ends_with(kind))
}

/// The files and folders of the repository, each with a slash before its path.
fn collect(folder: &Path, files: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (path, name) = (entry.path(), entry.file_name());
        if NOT_OURS.iter().any(|not_ours| name == *not_ours) {
            continue;
        }
        files.insert(format!(
            "/{}",
            path.strip_prefix(root()).expect("inside").to_string_lossy().replace('\\', "/")
        ));
        if path.is_dir() {
            collect(&path, files);
        }
    }
}
