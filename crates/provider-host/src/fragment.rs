//! Text files above a prompt, each between tags with its name.

use std::path::PathBuf;

use crate::exit::Failure;

/// The most bytes of all files together.
const MAX_BYTES: usize = 16 << 20;

/// The prompt with the files of these paths and patterns above it.
///
/// # Errors
/// When a pattern fits no file, a file is no text, or all are too long together.
pub(crate) fn above(prompt: &str, patterns: &[String]) -> Result<String, Failure> {
    let mut all = String::new();
    for pattern in patterns {
        for path in files(pattern)? {
            let wrong = |problem: String| Failure::Usage(format!("--fragment {}: {problem}", path.display()));
            let text = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
            let text = String::from_utf8(text)
                .map_err(|_| wrong("is no UTF-8 text; --file and --image attach other files".to_owned()))?;
            let end = if text.ends_with('\n') { "" } else { "\n" };
            all.push_str(&format!("<file path=\"{}\">\n{text}{end}</file>\n\n", path.display()));
            if all.len() > MAX_BYTES {
                return Err(wrong(format!("the files are longer than {} MiB together", MAX_BYTES >> 20)));
            }
        }
    }
    Ok(all + prompt)
}

/// The files of a pattern, sorted. A path that exists is one, whatever signs are in it.
fn files(pattern: &str) -> Result<Vec<PathBuf>, Failure> {
    let path = PathBuf::from(pattern);
    if path.exists() || !pattern.contains(['*', '?', '[']) {
        return Ok(vec![path]);
    }
    let wrong = |problem: String| Failure::Usage(format!("--fragment {pattern}: {problem}"));
    let found = glob::glob(pattern).map_err(|error| wrong(error.to_string()))?;
    let files: Vec<PathBuf> = found.filter_map(Result::ok).filter(|path| path.is_file()).collect();
    match files.is_empty() {
        true => Err(wrong("no file fits".to_owned())),
        false => Ok(files),
    }
}
