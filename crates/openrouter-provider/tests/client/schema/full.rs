//! Requests that together say everything there is to say.

use openrouter_provider::OpenRouterOptions;
use openrouter_provider::options::*;
use provider_core::*;
use serde_json::json;

/// Every field, in as few requests as they exclude each other.
pub(crate) fn requests() -> Vec<ChatRequest> {
    let by_prompt = ChatRequest::new("openai/gpt-3.5-turbo-instruct").max_completion_tokens(8);
    let all = everything();
    let mut variants = vec![all.clone()];
    for format in [
        ResponseFormat::Text,
        ResponseFormat::JsonObject,
        ResponseFormat::Grammar("root ::= \"a\"".to_owned()),
        ResponseFormat::Python,
    ] {
        variants.push(all.clone().response_format(format));
    }
    for choice in [
        ToolChoice::Auto,
        ToolChoice::None,
        ToolChoice::Required,
        ServerTool::datetime().choice().expect("a tool has a type"),
    ] {
        variants.push(all.clone().tool_choice(choice));
    }
    for reasoning in [Reasoning::max_tokens(2_000).exclude(), Reasoning::enabled(true)] {
        variants.push(ChatRequest::new("a/b").user("Hi").reasoning(reasoning));
    }
    let options = OpenRouterOptions::new().reasoning_effort("low").include_reasoning(true);
    variants.push(by_prompt.user("Hi").options(options));
    variants
}

fn everything() -> ChatRequest {
    let parameters: RawJson =
        r#"{"type":"object","properties":{"z":{"type":"string"},"a":{}}}"#.parse().expect("JSON");
    ChatRequest::new("anthropic/claude-sonnet-4.5")
        .message(Message::system([Part::text("A manual").cached(CacheMark::ttl("1h"))]).named("house"))
        .message(Message::developer("Be terse.").named("dev"))
        .message(Message::user(parts()).named("ann"))
        .message(assistant())
        .message(Message::tool("call_1", [Part::text("18 °C"), Part::image(PNG).expect("an image")]))
        .message(Message::assistant("It is"))
        .tool(
            FunctionTool::new("get_weather", "The weather of a city, now")
                .parameters(parameters)
                .strict(true)
                .cached(CacheMark::default())
                .eager_input_streaming(true),
        )
        .tool_choice(ToolChoice::Function("get_weather".to_owned()))
        .parallel_tool_calls(false)
        .response_format(
            JsonSchema::new("answer", json!({"type": "object"})).strict(true).description("The answer"),
        )
        .reasoning(Reasoning::effort(Effort::High).summary("concise").context("all_turns").mode("pro"))
        .temperature(0.0)
        .top_p(0.9)
        .top_k(40)
        .top_a(0.1)
        .min_p(0.05)
        .frequency_penalty(-2.0)
        .presence_penalty(2.0)
        .repetition_penalty(1.1)
        .seed(-7)
        .stop(["END", "\n\n"])
        .max_tokens(4_096)
        .logit_bias("50256", -100.0)
        .logprobs(true)
        .top_logprobs(20)
        .verbosity("low")
        .prediction([Part::text("It is 18 °C")])
        .modalities(["text", "image", "audio"])
        .audio(AudioOutput::new("alloy", "pcm16"))
        .service_tier("flex")
        .prompt_cache_key("manual")
        .prompt_cache_options(PromptCacheOptions::explicit().ttl("1h"))
        .end_user("user-7")
        .metadata("team", "a")
        .options(options())
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0000";

fn parts() -> Vec<Part> {
    let mut marked = TextPart::default();
    marked.text = "Look and listen:".to_owned();
    marked.cache_breakpoint = Some(CacheBreakpoint::default());
    vec![
        Part::Text(marked),
        Part::image_url("https://example.com/a.png").detail("high").cached(CacheMark::default()),
        Part::image(PNG).expect("an image"),
        Part::audio(b"RIFF\x10\0\0\0WAVEfmt ").expect("a sound"),
        Part::audio_as("pcm16", [1, 2, 3]).expect("a sound"),
        Part::file("a.pdf", b"%PDF-1.7").expect("a file").cached(CacheMark::ttl("5m")),
        Part::file_url("b.pdf", "https://example.com/b.pdf"),
        Part::file_id("file-1"),
        Part::video(b"\0\0\0\x20ftypisom").expect("a video"),
        Part::video_url("https://example.com/a.mp4"),
        Part::Other(ProviderJson::new(
            "openrouter",
            json!({"type": "input_video", "video_url": {"url": "https://example.com/b.mp4"}}),
        )),
    ]
}

fn assistant() -> AssistantMessage {
    let mut message = AssistantMessage::default();
    message.reasoning = Some("It asks for the weather.".to_owned());
    let mut detail = ReasoningDetail::new();
    for (name, value) in [("type", "reasoning.text"), ("text", "It asks"), ("signature", "c2ln")] {
        detail.append(name, value);
    }
    message.reasoning_details = Some(vec![detail]);
    message.tool_calls = vec![ToolCall::new("call_1", "get_weather", r#"{"city": "Paris"}"#)];
    message.refusal = Some("no".to_owned());
    message.annotations = vec![Annotation::new(json!({"type": "file", "file": {"hash": "h"}}).into())];
    message.images = vec![Image::new(json!({"image_url": {"url": "data:image/png;base64,AA=="}}).into())];
    let mut audio = Audio::default();
    (audio.id, audio.data) = (Some("audio-1".to_owned()), Some("AAAA".to_owned()));
    (audio.transcript, audio.expires_at) = (Some("Hello".to_owned()), Some(1_700_000_000));
    message.audio = Some(audio);
    message.name = Some("claude".to_owned());
    message.model = Some("anthropic/claude-sonnet-4.5".to_owned());
    message
}

fn options() -> OpenRouterOptions {
    OpenRouterOptions::new()
        .models(["openai/gpt-4o", "google/gemini-2.5-pro"])
        .provider(preferences())
        .plugins(plugins())
        .server_tools(server_tools())
        .stop_server_tools_when([
            StopServerTools::StepCountIs { step_count: 3 },
            StopServerTools::HasToolCall { tool_name: "x".to_owned() },
            StopServerTools::MaxTokensUsed { max_tokens: 10_000 },
            StopServerTools::MaxCost { max_cost_in_dollars: 0.5 },
            StopServerTools::FinishReasonIs { reason: "stop".to_owned() },
        ])
        .max_tool_calls(5_u32)
        .session_id("conversation-7")
        .trace(Trace::id("t").name("n").span("s").generation("g").parent_span("p").extra("team", "a"))
        .debug(DebugOptions::new().echo_upstream_body(true))
        .cache_control(CacheControl::ephemeral().ttl("1h"))
        .image_config([("aspect_ratio".to_owned(), json!("16:9")), ("n".to_owned(), json!(1))])
        .preset("comedian")
        .structured_outputs(true)
        .web_search_options(json!({"search_context_size": "low"}))
        .x_search_filter(json!({"allowed_x_handles": ["a"]}))
        .speed("fast")
        .reasoning_effort("high")
        .include_reasoning(true)
        .route("fallback")
        .transforms(["middle-out"])
        .stream_options(json!({"include_usage": true}))
        .usage(json!({"include": true}))
}

fn preferences() -> ProviderPreferences {
    let cap = |price: &str| price.parse::<Usd>().expect("a price");
    ProviderPreferences::new()
        .order(["anthropic", "google-vertex/us-east5"])
        .allow_fallbacks(false)
        .require_parameters(true)
        .data_collection(DataCollection::Deny)
        .zdr(true)
        .enforce_distillable_text(false)
        .only(["anthropic"])
        .ignore(["openai"])
        .quantizations(["fp8", "bf16"])
        .sort(SortConfig::new().by(SortBy::Throughput).partition("none"))
        .preferred_min_throughput(50.0)
        .preferred_max_latency(Cutoffs::new().p50(1.0).p75(1.5).p90(2.0).p99(5.0))
        .max_price(
            MaxPrice::new()
                .prompt(cap("1.25"))
                .completion(cap("10"))
                .request(cap("0"))
                .image(cap("0.01"))
                .audio(cap("0.02")),
        )
}

fn plugins() -> Vec<Plugin> {
    let place = UserLocation::new()
        .kind("approximate")
        .city("Paris")
        .country("FR")
        .region("IDF")
        .timezone("Europe/Paris");
    let auto = AutoRouter::new()
        .enabled(true)
        .allowed_models(["openai/*"])
        .excluded_models(["x/*"])
        .cost_tier("low");
    vec![
        Plugin::Web(
            WebPlugin::new()
                .enabled(true)
                .max_results(3_u32)
                .max_uses(1_u32)
                .search_prompt("p")
                .engine("exa")
                .mode("fast")
                .include_domains(["a.example"])
                .exclude_domains(["b.example"])
                .user_location(place),
        ),
        Plugin::WebFetch(
            WebFetchPlugin::new()
                .max_uses(1_u32)
                .max_content_tokens(9_u32)
                .allowed_domains(["a.example"])
                .blocked_domains(["b.example"]),
        ),
        Plugin::FileParser(FileParser::engine("native").enabled(true)),
        Plugin::ResponseHealing(Switch::new().enabled(false)),
        Plugin::ContextCompression(ContextCompression::new().enabled(true).engine("middle-out")),
        Plugin::AutoRouter(auto.clone().cost_quality_tradeoff(5).pin_model(true)),
        Plugin::AutoBetaRouter(auto),
        Plugin::ParetoRouter(
            ParetoRouter::new().enabled(true).min_coding_score(0.5).max_price(3.0).price_source("prompt"),
        ),
        Plugin::Fusion(
            FusionPlugin::new()
                .enabled(true)
                .analysis_models(["a/b"])
                .model("c/d")
                .preset("general-high")
                .max_tool_calls(2_u32)
                .tools([json!({"type": "openrouter:web_search"})]),
        ),
        Plugin::Moderation(Switch::new()),
        Plugin::Other(json!({"id": "moderation", "new": 1}).into()),
    ]
}

fn server_tools() -> Vec<ServerTool> {
    let thinking = NestedReasoning::new().effort("low").max_tokens(1_024_u32);
    vec![
        ServerTool::WebSearch(
            WebSearch::new()
                .engine("auto")
                .mode("fast")
                .max_results(3_u32)
                .max_total_results(9_u32)
                .max_uses(2_u32)
                .max_characters(500_u32)
                .search_context_size("low")
                .user_location(UserLocation::new().city("Paris"))
                .allowed_domains(["a.example"])
                .excluded_domains(["b.example"]),
        ),
        ServerTool::WebFetch(
            WebFetch::new()
                .engine("native")
                .max_uses(1_u32)
                .max_content_tokens(9_u32)
                .allowed_domains(["a.example"])
                .blocked_domains(["b.example"]),
        ),
        ServerTool::Datetime(Datetime::new().timezone("Europe/Paris")),
        ServerTool::ImageGeneration(ImageGeneration::model("a/b").config("quality", "high")),
        ServerTool::Fusion(
            Fusion::new()
                .analysis_models(["a/b"])
                .model("c/d")
                .max_tool_calls(2_u32)
                .max_completion_tokens(9_u32)
                .temperature(0.5)
                .reasoning(thinking.clone())
                .cache_control(CacheControl::ephemeral())
                .tools([json!({"type": "openrouter:web_search"})]),
        ),
        ServerTool::Advisor(
            Advisor::new()
                .model("a/b")
                .name("sage")
                .instructions("i")
                .forward_transcript(true)
                .max_completion_tokens(9_u32)
                .temperature(0.5)
                .reasoning(thinking.clone())
                .stream(true),
        ),
        ServerTool::Subagent(
            Subagent::new()
                .model("a/b")
                .name("helper")
                .instructions("i")
                .inherit_functions(true)
                .inherited_function_names(["f"])
                .max_tool_calls(2_u32)
                .max_completion_tokens(9_u32)
                .temperature(0.5)
                .reasoning(thinking)
                .tools([json!({"type": "openrouter:web_search"})]),
        ),
        ServerTool::Bash(
            Bash::new()
                .engine("auto")
                .environment(Container::Reference { container_id: "c1".to_owned() })
                .sleep_after_seconds(60_u32),
        ),
        ServerTool::Files(Files::new()),
        ServerTool::SearchModels(SearchModels::new().max_results(3_u32)),
        ServerTool::Other(json!({"type": "web_search"}).into()),
    ]
}
