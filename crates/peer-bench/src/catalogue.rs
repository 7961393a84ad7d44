//! A catalogue of 413 made-up models.

use std::fmt::Write as _;
use std::sync::OnceLock;

pub const MODELS: usize = 413;

/// The JSON of the catalogue.
pub fn body() -> &'static str {
    static BODY: OnceLock<String> = OnceLock::new();
    BODY.get_or_init(|| {
        let mut body = String::from("{\"data\":[");
        for number in 0..MODELS {
            let comma = if number == 0 { "" } else { "," };
            let about = "A model that was made up to be listed, with as much to say about itself as others have. ".repeat(8);
            let _ = write!(
                body,
                r#"{comma}{{"id":"author-{}/model-{number}","canonical_slug":"author-{}/model-{number}-2025-08-07","hugging_face_id":"","name":"Author: Model {number}","created":1754{number:06},"description":"{about}","context_length":{},"architecture":{{"modality":"text+image->text","input_modalities":["text","image"],"output_modalities":["text"],"tokenizer":"GPT","instruct_type":null}},"pricing":{{"prompt":"0.00000{number:03}","completion":"0.0000{number:03}5","request":"0","image":"0","web_search":"0.01","internal_reasoning":"0","input_cache_read":"0.000000125"}},"top_provider":{{"context_length":400000,"max_completion_tokens":128000,"is_moderated":true}},"per_request_limits":null,"supported_parameters":["include_reasoning","max_tokens","reasoning","response_format","seed","structured_outputs","tool_choice","tools"],"default_parameters":{{"temperature":null,"top_p":null,"frequency_penalty":null}},"expiration_date":null,"links":{{"details":"/api/v1/models/author-{}/model-{number}/endpoints"}}}}"#,
                number % 40, number % 40, 8192 * (1 + number % 32), number % 40
            );
        }
        body.push_str("]}");
        body
    })
}
