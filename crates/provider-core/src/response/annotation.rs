//! Notes on an answer: its sources, the files it was made from.

use serde::{Deserialize, Serialize};

use crate::RawJson;

/// A note on an answer: a source, a parsed file. Kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Annotation(RawJson);

/// A source of a web search. A field that the service left out is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct UrlCitation {
    /// The page.
    #[serde(default)]
    pub url: String,
    /// Its title.
    #[serde(default)]
    pub title: Option<String>,
    /// The passage that was used.
    #[serde(default)]
    pub content: Option<String>,
    /// Where in the answer's text it begins to apply. Often 0 together with the end, which says nothing.
    #[serde(default)]
    pub start_index: Option<u64>,
    /// Where in the answer's text it ends to apply.
    #[serde(default)]
    pub end_index: Option<u64>,
}

/// A file that the service read. Send the annotation back, and it is not read (and billed) again.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct FileAnnotation {
    /// The hash by which the service knows the file.
    #[serde(default)]
    pub hash: String,
    /// The file's name.
    #[serde(default)]
    pub name: Option<String>,
    /// The parts found in the file, as a message has them.
    #[serde(default)]
    pub content: Vec<RawJson>,
}

impl Annotation {
    /// Keeps an annotation object.
    pub fn new(raw: RawJson) -> Self {
        Self(raw)
    }

    /// The whole object.
    pub fn raw(&self) -> &RawJson {
        &self.0
    }

    /// The whole object, to be changed.
    pub(crate) fn raw_mut(&mut self) -> &mut RawJson {
        &mut self.0
    }

    /// The `type` of the annotation: `url_citation`, `file`, ….
    pub fn kind(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Kind {
            r#type: String,
        }
        self.0.read::<Kind>().ok().map(|kind| kind.r#type)
    }

    /// The source, if that is what it is.
    pub fn url_citation(&self) -> Option<UrlCitation> {
        #[derive(Deserialize)]
        struct Outer {
            url_citation: UrlCitation,
        }
        self.0.read::<Outer>().ok().map(|outer| outer.url_citation)
    }

    /// The file, if that is what it is.
    pub fn file(&self) -> Option<FileAnnotation> {
        #[derive(Deserialize)]
        struct Outer {
            #[serde(alias = "file_annotation")]
            file: FileAnnotation,
        }
        self.0.read::<Outer>().ok().map(|outer| outer.file)
    }
}
