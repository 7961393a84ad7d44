//! SSE bodies of chunks that are alike, as nearly all are: recorded ones and generated ones, as they are and
//! damaged. `openai-wire/tests/wire/repeats.rs` has undamaged chunks, the same ones in each run, for the
//! decoder without framing.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use wire_properties::repeats;

/// A chunk as JSON, with places for texts: `$` stands for a JSON string.
fn shape() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        r#"{"id":"gen-1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":$},"finish_reason":null}]}"#,
        r#"{"choices":[{"delta":{"content":$,"reasoning":$}}],"system_fingerprint":"fp"}"#,
        r#"{"choices":[{"delta":{"reasoning":$,"content":"","reasoning_details":[{"type":"reasoning.text","text":$,"index":0,"format":"x"}]}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.summary","summary":$,"id":"a","signature":"s"}]}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_details":[{"text":$,"type":"reasoning.text","id":"b","signature":null,"index":1}]}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":$,"summary":$}]}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":$,"text":5}]}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":$}]}}]}"#,
        r#"{"choices":[{"delta":{"content":null,"tool_calls":[{"index":0,"function":{"arguments":$}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c","type":"function","function":{"name":"f","arguments":$}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"type":"function","function":{"arguments":$}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":$}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":$}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":$,"arguments":$}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"id":"c","function":{"arguments":$}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":$}},{"index":1,"function":{"arguments":$}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":{"index":0,"type":"odd","function":{"arguments":$}}}}]}"#,
        r#"{"choices":[{"delta":{"content":"twice","content":$}}],"created":17}"#,
        r#"{"choices":[{"index":1,"delta":{"content":$}},{"index":0,"delta":{"content":$}}]}"#,
        r#"{ "choices" : [ { "delta" : { "content" : $ } } ] }"#,
        r#"{"choices":[{"delta":{"content":$,"odd":1}}]}"#,
        r#"{"choices":[{"delta":{"content":$,"odd":$},"odd":$}]}"#,
        r#"{"obfuscation":$,"choices":[{"delta":{"content":$},"x":{"y":$}}],"z":[$]}"#,
        r#"{"choices":[{"delta":{"content":$}}],"twice":$,"twice":$}"#,
        r#"{"choices":[{"delta":{"content":$},"twice":$}],"twice":$}"#,
        r#"{"choices":[{"delta":{"content":$}}],"a":1,"b":2,"c":3,"d":$,"e":$}"#,
        r#"{"choices":[{"delta":{"content":$}}],"debug":{"body":$}}"#,
        r#"{"choices":[{"delta":{"content":$}}],"odd":null}"#,
        r#"{"choices":[{"delta":{"content":$}}],"odd":7}"#,
        r#"{"choices":[{"delta":{"content":$},"logprobs":null}],"odd":NaN}"#,
        r#"{"choices":[{"delta":{"refusal":$,"content":$}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_content":$,"content":$}}]}"#,
        r#"{"choices":[{"delta":{"reasoning":null,"thinking":$}}]}"#,
        r#"{"choices":[{"delta":{"reasoning":$,"reasoning_content":$}}]}"#,
        r#"{"choices":[{"delta":{"reasoning":"","reasoning_text":$}}]}"#,
        r#"{"choices":[{"delta":{"content":[{"type":"text","text":$},{"type":"thinking","thinking":$}]}}]}"#,
        r#"{"choices":[{"message":{"content":$,"reasoning":$}}]}"#,
        r#"{"choices":[{"delta":{"content":$},"message":{"content":$}}]}"#,
        r#"{"choices":[{"delta":{},"message":{"tool_calls":[{"id":"c","function":{"name":"f","arguments":$}}]}}]}"#,
        r#"{"choices":[{"delta":{"audio":{"transcript":$,"data":"AA"}}}]}"#,
        r#"{"choices":[{"delta":{"content":$}}],"usage":{"total_tokens":3}}"#,
        r#"{"choices":[{"delta":{"content":$},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"delta":{"content":$},"text":$}]}"#,
        r#"{"choices":[{"delta":{"content":$}}],"error":{"message":$}}"#,
        r#"{"model":$,"choices":[{"delta":{"content":$}}]}"#,
    ])
}

/// The inside of a JSON string, or of what is none.
fn text() -> impl Strategy<Value = String> {
    let plain = any::<String>().prop_map(|text| {
        let json = serde_json::to_string(&text).expect("a text");
        json[1..json.len() - 1].to_owned()
    });
    prop_oneof![
        4 => "[a-z ,.]{0,9}",
        2 => plain,
        2 => prop::sample::select(vec![
            r"\ud83d", r"\uddfc", r"\ud83d\uddfc", r"\\ud83d", r"a\nb", r#"\"q\":"#, r"\u00e9", "é🗼", r"\/", "",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["\t", r"\x", r"\u12", r"\u12g4", "\\", "\"", "\",\"odd\":\"", "\u{7f}"]).prop_map(str::to_owned),
    ]
}

/// Chunks of one shape in a row, each with texts of its own.
fn run() -> impl Strategy<Value = String> {
    (shape(), prop::collection::vec(prop::collection::vec(text(), 2), 1..6)).prop_map(|(shape, chunks)| {
        let mut run = String::new();
        for texts in chunks {
            let mut texts = texts.into_iter().cycle();
            let written: String = shape
                .split_inclusive('$')
                .map(|part| match part.strip_suffix('$') {
                    Some(before) => format!("{before}\"{}\"", texts.next().unwrap_or_default()),
                    None => part.to_owned(),
                })
                .collect();
            run.push_str(&format!("data: {written}\n\n"));
        }
        run
    })
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn what_repeats_is_read_as_if_it_did_not(
        runs in prop::collection::vec(run(), 1..5),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut stream = runs.concat();
        stream.push_str("data: [DONE]\n\n");
        repeats(stream.as_bytes());
        let mut damaged = stream.into_bytes();
        for (at, byte) in damage {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        repeats(&damaged);
    }
}

#[test]
fn recorded_streams_are_read_the_same_both_ways() {
    let Some(folder) = std::env::var_os("OPENROUTER_RECORDINGS").map(PathBuf::from) else {
        println!("skipped: OPENROUTER_RECORDINGS names no recordings");
        return;
    };
    let mut rng = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: usize| {
        // xorshift64
        rng ^= rng << 13;
        rng ^= rng >> 7;
        rng ^= rng << 17;
        usize::try_from(rng % u64::try_from(bound.max(1)).expect("small")).expect("small")
    };
    let mut streams = 0;
    let mut cases: Vec<PathBuf> = fs::read_dir(folder.join("cases"))
        .expect("recordings")
        .map(|case| case.expect("a case").path().join("response.body"))
        .collect();
    cases.sort();
    for case in cases {
        let body = fs::read(&case).expect("a body");
        if !body.windows(5).any(|part| part == b"data:") || body.len() > 200_000 {
            continue;
        }
        streams += 1;
        repeats(&body);
        for _ in 0..3 {
            let mut damaged = body.clone();
            for _ in 0..=below(3) {
                let at = below(damaged.len());
                match below(4) {
                    0 => damaged[at] = b"\"\\{}[],:0a \n"[below(12)],
                    1 => drop(damaged.remove(at)),
                    2 => damaged.insert(at, b"\"\\{}x"[below(5)]),
                    _ => {
                        let piece = damaged[at..(at + below(400)).min(damaged.len())].to_vec();
                        let to = below(damaged.len());
                        damaged.splice(to..to, piece);
                    }
                }
            }
            repeats(&damaged);
        }
    }
    assert!(streams > 100, "{streams} streams");
}
