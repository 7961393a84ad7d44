//! The abilities of a model, as far as its catalogue states them.

use super::Model;

/// The modalities that a chat can answer with. Embeddings, rankings, speech and transcripts have endpoints of
/// their own.
const CHAT_OUTPUTS: [&str; 3] = ["text", "image", "audio"];

impl Model {
    /// Whether the catalogue lists this request parameter (`tools`, `response_format`, `reasoning`, …). The
    /// model may accept others all the same; a catalogue without a list says nothing.
    pub fn supports(&self, parameter: &str) -> bool {
        self.supported_parameters.iter().any(|supported| supported == parameter)
    }

    /// Whether it reads this: `text`, `image`, `file`, `audio` or `video`.
    pub fn supports_input(&self, modality: &str) -> bool {
        self.input_modalities.iter().any(|input| input == modality)
    }

    /// Whether it writes this: `text`, `image`, `audio`, …
    pub fn supports_output(&self, modality: &str) -> bool {
        self.output_modalities.iter().any(|output| output == modality)
    }

    /// Whether it can call tools.
    pub fn supports_tools(&self) -> bool {
        self.supports("tools")
    }

    /// Whether it can be made to answer in JSON of any form.
    pub fn supports_json(&self) -> bool {
        self.supports("response_format") || self.supports_json_schema()
    }

    /// Whether it can be made to answer in JSON that fits a schema.
    pub fn supports_json_schema(&self) -> bool {
        self.supports("structured_outputs")
    }

    /// Whether it can think before it answers.
    pub fn supports_reasoning(&self) -> bool {
        self.reasoning.is_some() || self.supports("reasoning") || self.supports("reasoning_effort")
    }

    /// Whether a chat can be had with it: not if it can be asked in batches only, or answers with nothing
    /// that a chat can carry.
    pub fn is_selectable(&self) -> bool {
        let answers =
            self.output_modalities.is_empty() || CHAT_OUTPUTS.iter().any(|kind| self.supports_output(kind));
        answers && !self.batch_only
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReasoningOptions;

    #[test]
    fn abilities_are_what_is_listed() {
        let parameters = |words: &[&str]| Model {
            supported_parameters: words.iter().map(|&word| word.into()).collect(),
            ..Model::default()
        };
        // Parameters, and whether they mean: tools, JSON, JSON of a schema, reasoning.
        for (words, abilities) in [
            (&[][..], [false; 4]),
            (&["tools", "tool_choice"], [true, false, false, false]),
            (&["response_format"], [false, true, false, false]),
            (&["structured_outputs"], [false, true, true, false]),
            (&["reasoning"], [false, false, false, true]),
            (&["reasoning_effort"], [false, false, false, true]),
        ] {
            let model = parameters(words);
            let found = [
                model.supports_tools(),
                model.supports_json(),
                model.supports_json_schema(),
                model.supports_reasoning(),
            ];
            assert_eq!(found, abilities, "{words:?}");
        }
        let model = Model { reasoning: Some(ReasoningOptions::default()), ..Model::default() };
        assert!(model.supports_reasoning());
    }

    #[test]
    fn a_chat_needs_an_answer_it_can_carry() {
        for (outputs, selectable) in [
            (&[][..], true),
            (&["text"], true),
            (&["image"], true),
            (&["audio", "rerank"], true),
            (&["embeddings"], false),
            (&["speech"], false),
        ] {
            let output_modalities = outputs.iter().map(|&word| word.into()).collect();
            let model = Model { output_modalities, ..Model::default() };
            assert_eq!(model.is_selectable(), selectable, "{outputs:?}");
        }
    }
}
