//! The decisions have one form, and their list is complete.

use crate::links::{entries, read, root};

/// A decision that needs more lines is two, or a page of its own.
const MAX_LINES: usize = 40;

#[test]
fn decisions_have_one_form() {
    let folder = root().join("docs/decisions");
    let list = read(&folder.join("README.md"));
    let mut number = 0;
    for path in entries(&folder) {
        let file = path.file_name().expect("a name").to_string_lossy();
        if file == "README.md" {
            continue;
        }
        number += 1;
        let text = read(&path);
        let number = format!("{number:04}");
        assert!(file.starts_with(&format!("{number}-")), "{file} is not called {number}-…");
        let title = text.lines().next().unwrap_or_default().strip_prefix(&format!("# {number}: "));
        let title = title.unwrap_or_else(|| panic!("{file} does not begin with `# {number}: `"));
        let row = format!("| [{number}]({file}) | {title} |");
        assert!(list.contains(&row), "README.md lacks the row {row}");
        let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, ["Context", "Decision", "Consequences", "Alternatives"], "{file}");
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{file} has {lines} lines, more than {MAX_LINES}");
    }
    assert!(number > 20, "only {number}");
}
