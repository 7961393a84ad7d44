//! Notes on an answer: its sources, the files it was made from.

use serde::{Deserialize, Serialize};

use crate::RawJson;

/// A note on an answer: a source, a parsed file. Kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The passage that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Where in the answer's text it begins to apply. Often 0 together with the end, which says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_index: Option<u64>,
    /// Where in the answer's text it ends to apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The parts found in the file, as a message has them.
    #[serde(default)]
    pub content: Vec<RawJson>,
}

impl UrlCitation {
    /// The page at this URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }
}

impl FileAnnotation {
    /// The file that the service knows by this hash.
    pub fn new(hash: impl Into<String>) -> Self {
        Self { hash: hash.into(), ..Self::default() }
    }
}

impl Annotation {
    /// Keeps an annotation object as chat completions have it.
    pub fn new(raw: RawJson) -> Self {
        Self(raw)
    }

    /// A source, for a decoder of a wire that has it in another form.
    pub fn from_url_citation(citation: &UrlCitation) -> Self {
        #[derive(Serialize)]
        struct Outer<'a> {
            r#type: &'static str,
            url_citation: &'a UrlCitation,
        }
        let object = RawJson::new(&Outer { r#type: "url_citation", url_citation: citation });
        // Texts and numbers can be written in any case.
        Self(object.unwrap_or_default())
    }

    /// A file that the service read, for a decoder of a wire that has it in another form.
    ///
    /// # Errors
    /// When a part of its content is no JSON.
    pub fn from_file(file: &FileAnnotation) -> Result<Self, serde_json::Error> {
        #[derive(Serialize)]
        struct Outer<'a> {
            r#type: &'static str,
            file: &'a FileAnnotation,
        }
        RawJson::new(&Outer { r#type: "file", file }).map(Self)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotation_that_is_made_reads_as_what_it_was_made_of() {
        let mut citation = UrlCitation::new("https://example.com");
        (citation.title, citation.end_index) = (Some("A \"page\"".to_owned()), Some(7));
        let annotation = Annotation::from_url_citation(&citation);
        assert_eq!(annotation.kind().as_deref(), Some("url_citation"));
        assert_eq!((annotation.url_citation(), annotation.file()), (Some(citation), None));

        let mut file = FileAnnotation::new("abc");
        file.content = vec![RawJson::from_checked(r#"{"type":"text","text":"Hi"}"#)];
        let annotation = Annotation::from_file(&file).expect("good JSON");
        assert_eq!(annotation.raw().get().find("null"), None, "{annotation:?}");
        assert_eq!((annotation.url_citation(), annotation.file()), (None, Some(file.clone())));

        file.content.push(RawJson::from_checked("no JSON"));
        assert!(Annotation::from_file(&file).is_err());
    }
}
