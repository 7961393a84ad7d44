// An answer while it comes and afterwards: what the events say of it, and how it is shown.

import { button, copyButton, h, oncePerFrame } from "./dom.js";
import { errorBox, sentenceOf, titleOf } from "./errors.js";
import { count, finishOf, milliseconds, sum, tokensOf, usd } from "./format.js";
import { code, drawMarkdown, link } from "./markdown.js";
import { t } from "./texts.js";

/** An answer of which nothing has come yet. */
export const newAnswer = (model) => ({
  state: "waiting",
  model,
  text: "",
  thinking: "",
  calls: [],
  media: [],
  audio: null,
  sources: [],
  notes: [],
  usage: {},
  figures: {},
});

/** Puts an event into an answer. `elapsed` is the time since the request went out, in milliseconds. */
export function take(answer, event, elapsed) {
  const isOutput = ["text", "thinking", "tool", "image", "refusal_chunk", "audio_chunk"].includes(event.type);
  if (isOutput) {
    answer.figures.first ??= elapsed;
    if (answer.state === "waiting") answer.state = "streaming";
  }
  switch (event.type) {
    case "start":
      answer.provider = event.provider ?? answer.provider;
      answer.model = event.model ?? answer.model;
      answer.run = event.run ?? answer.run;
      break;
    case "text":
    case "refusal_chunk":
      answer.text += event.text ?? event.content ?? "";
      break;
    case "thinking":
      answer.thinking += event.text ?? "";
      break;
    case "tool":
      answer.calls.push({
        id: event.id ?? event.tool_call_id,
        name: event.name ?? event.tool,
        arguments: event.arguments ?? "",
      });
      break;
    case "image":
      answer.media.push(event.image);
      break;
    case "audio_chunk":
      answer.audio ??= { data: "", transcript: "" };
      answer.audio.data += event.audio?.data ?? "";
      answer.audio.transcript += event.audio?.transcript ?? "";
      break;
    case "annotation":
      answer.sources.push(event.annotation);
      break;
    case "usage":
      Object.assign(answer.usage, event);
      break;
    case "cost":
      answer.figures.cost = event.cost;
      break;
    case "end":
      answer.run = event.run_id ?? answer.run;
      Object.assign(answer.figures, {
        total: event.latency_ms ?? event.total_ms ?? elapsed,
        // The host's clock counts, and it says as well that an answer came whole.
        first: "first_output_ms" in event ? (event.first_output_ms ?? undefined) : answer.figures.first,
        cost: event.cost_usd ?? answer.figures.cost,
        served: event.model,
        upstream: event.upstream ?? event.provider_name,
        finish: event.finish_reason,
        attempts: event.attempts?.length ? event.attempts : (answer.figures.attempts ?? []),
      });
      answer.figures.tries = answer.figures.attempts.length + 1;
      // The figures of a failed answer come behind its error.
      if (answer.state !== "failed") answer.state = "done";
      break;
    case "trimmed":
      answer.notes.push(t("run.trimmed", { n: event.removed_messages }));
      break;
    case "error":
      fail(answer, event.error, elapsed);
      break;
    case "done":
      if (answer.state === "waiting" || answer.state === "streaming") answer.state = "done";
      answer.figures.total ??= elapsed;
      break;
  }
}

/** The answer that a stored message is. Its figures are those of its run, see `takeRun`. */
export function answerOf(stored, model) {
  const refusal = typeof stored.refusal === "string" ? stored.refusal : "";
  return Object.assign(newAnswer(model ?? stored.made_by), {
    state: "done",
    provider: stored.made_by_provider,
    text: (stored.text ?? "") + refusal,
    thinking: thoughtsOf(stored),
    calls: (stored.tool_calls ?? []).map(({ id, name, arguments: text }) => ({ id, name, arguments: text })),
    media: stored.images ?? [],
    audio: stored.audio ?? null,
    sources: stored.annotations ?? [],
  });
}

const thoughtsOf = ({ reasoning, reasoning_details: details }) =>
  reasoning || (details ?? []).map((one) => one.text ?? one.summary ?? "").join("");

/** Puts the record of a run into the answer that it gave. */
export function takeRun(answer, run) {
  answer.provider = run.provider;
  answer.usage = {
    prompt_tokens: run.prompt_tokens ?? undefined,
    completion_tokens: run.completion_tokens ?? undefined,
    cached_tokens: run.cached_tokens,
    reasoning_tokens: run.reasoning_tokens,
  };
  Object.assign(answer.figures, {
    first: run.first_output_ms ?? undefined,
    total: run.total_ms ?? undefined,
    cost: billOf(run.cost, run.upstream_cost),
    served: run.served ?? (run.error_kind ? undefined : run.requested),
    upstream: run.upstream,
    finish: run.finish,
    tries: run.attempts,
  });
  if (run.error_kind === "cancelled") answer.state = "stopped";
  else if (run.error_kind) {
    answer.state = "failed";
    answer.error = { code: run.error_kind, kind: run.error_kind, message: run.error ?? "" };
  }
}

/** The whole bill: the service's charge, and that of the upstream provider for a key of one's own there. */
export const billOf = (cost, upstream) => ((cost ?? null) === null ? null : sum([cost, upstream]));

/** Ends an answer by an error. What has come stays. */
export function fail(answer, error, elapsed) {
  answer.state = error.name === "AbortError" ? "stopped" : "failed";
  answer.figures.total ??= elapsed;
  if (error.attempts?.length) answer.figures.attempts = error.attempts;
  if (answer.state === "failed")
    answer.error = {
      code: error.code,
      message: error.message,
      problems: error.problems,
      next: error.next,
      kind: error.kind,
      retryAfter: error.retryAfter,
    };
}

/** The element of an answer. `update` redraws it, at most once in a frame. */
export function answerView(answer, { retry, goOn, onresults, keepResult } = {}) {
  const thinking = h("div", { class: "markdown" });
  const thinkingBox = h(
    "details",
    { class: "thinking", hidden: true },
    h("summary", {}, t("run.thinking")),
    thinking,
  );
  const text = h("div", { class: "markdown" });
  const calls = h("div", { class: "calls" });
  const media = h("div", { class: "media" });
  const sources = h("ul", { class: "sources", hidden: true });
  const state = h("div", { class: "answer-state" });
  const figures = h("dl", { class: "figures" });
  const notes = h("div");
  const attempts = h("details", { class: "attempts", hidden: true });
  const element = h(
    "div",
    { class: "answer" },
    notes,
    thinkingBox,
    text,
    media,
    calls,
    sources,
    state,
    figures,
    attempts,
  );
  let drawnState = null;

  const draw = () => {
    const isRunning = answer.state === "waiting" || answer.state === "streaming";
    element.setAttribute("aria-busy", String(isRunning));
    thinkingBox.hidden = !answer.thinking;
    if (answer.thinking) drawMarkdown(thinking, answer.thinking);
    drawMarkdown(text, answer.text);
    element.classList.toggle("streaming", answer.state === "streaming");
    if (media.childElementCount !== answer.media.length + Number(Boolean(answer.audio && !isRunning))) {
      const spoken = answer.audio && !isRunning ? [audioView(answer.audio, answer.audioFormat)] : [];
      media.replaceChildren(...answer.media.map(medium), ...spoken);
    }
    if (sources.childElementCount !== answer.sources.length) {
      sources.hidden = false;
      sources.replaceChildren(...answer.sources.map(source));
    }
    notes.replaceChildren(...answer.notes.map((note) => h("p", { class: "notice" }, note)));
    const now = `${answer.state} ${answer.calls.length} ${Boolean(answer.isAnswered)}`;
    if (drawnState === now) return drawFigures();
    drawnState = now;
    calls.replaceChildren(...answer.calls.map(callView));
    if (onresults && answer.calls.length && answer.state === "done" && !answer.isAnswered) {
      calls.append(
        h(
          "div",
          { class: "actions" },
          button(t("run.results.send"), () => onresults(answer), { class: "primary" }),
        ),
      );
    }
    state.replaceChildren(
      ...[
        answer.state === "waiting" && h("p", { class: "loading" }, t("run.waiting")),
        answer.state === "stopped" && h("p", { class: "notice" }, t("run.stopped"), onward()),
        answer.state === "failed" && errorBox(answer.error, { retry }),
        answer.state === "done" &&
          answer.figures.finish === "length" &&
          h("p", { class: "notice warn" }, t("run.length"), onward()),
        answer.state === "done" &&
          answer.figures.finish === "content_filter" &&
          h("p", { class: "notice warn" }, t("run.filtered")),
      ].filter(Boolean),
    );
    drawFigures();
  };

  const onward = () => goOn && answer.text && [" ", button(t("run.on"), goOn, { class: "small" })];

  function drawFigures() {
    figures.replaceChildren(
      ...figureRows(answer).flatMap(([name, value]) => [h("div", {}, h("dt", {}, name), h("dd", {}, value))]),
    );
    const tried = answer.figures.attempts ?? [];
    attempts.hidden = !tried.length;
    if (tried.length && attempts.childElementCount !== 2) {
      const served = answer.state === "done" && (answer.figures.served ?? answer.model);
      attempts.replaceChildren(
        h("summary", {}, t("run.attempts", { n: tried.length + 1 })),
        h(
          "ol",
          {},
          tried.map((one) =>
            h(
              "li",
              {},
              h("code", {}, one.model ?? one.provider ?? ""),
              " ",
              h("span", { class: "badge bad" }, titleOf(one)),
              h("p", { class: "help" }, sentenceOf(one.message).said),
            ),
          ),
          served && h("li", {}, h("code", {}, served), " ", h("span", { class: "badge good" }, t("runs.ok"))),
        ),
      );
    }
  }

  function callView(call) {
    const input = h("textarea", {
      rows: "2",
      "aria-label": t("run.result", { name: call.name }),
      placeholder: t("run.result.placeholder"),
    });
    input.value = call.result ?? "";
    input.addEventListener("input", () => {
      call.result = input.value;
      keepResult?.(call);
    });
    return h(
      "section",
      { class: "call", "aria-label": t("run.call", { name: call.name }) },
      h("p", {}, t("run.call.wants"), " ", h("code", {}, call.name)),
      code(pretty(call.arguments), "json"),
      onresults && !answer.isAnswered && input,
    );
  }

  draw();
  answer.view = { element, draw, update: oncePerFrame(draw) };
  return answer.view;
}

/** The tokens that an answer had in a second, from its first output on. */
export const speedOf = ({ figures, usage }) =>
  usage.completion_tokens && figures.total > (figures.first ?? 0)
    ? usage.completion_tokens / ((figures.total - (figures.first ?? 0)) / 1000)
    : null;

/** The figures of an answer that are known, as pairs of name and value. */
export function figureRows({ figures, usage, provider, model, state }) {
  const speed = speedOf({ figures, usage });
  const server = figures.served || (state === "failed" ? null : model);
  const served = server && [server, figures.upstream ?? provider].filter(Boolean).join(" · ");
  return [
    [t("figure.served"), served],
    [t("figure.first"), figures.first !== undefined && milliseconds(figures.first)],
    [t("figure.total"), figures.total !== undefined && milliseconds(figures.total)],
    [t("figure.speed"), speed && t("figure.per.second", { n: count(Math.round(speed)) })],
    [
      t("figure.tokens"),
      (usage.prompt_tokens ?? usage.completion_tokens ?? null) !== null && tokensOf(usage),
    ],
    [t("figure.cost"), figures.cost !== undefined && figures.cost !== null && usd(figures.cost)],
    [t("figure.thought"), usage.reasoning_tokens > 0 && count(usage.reasoning_tokens)],
    [t("figure.cached"), usage.cached_tokens > 0 && count(usage.cached_tokens)],
    [t("figure.tries"), figures.tries > 1 && count(figures.tries)],
    [t("figure.finish"), figures.finish && finishOf(figures.finish)],
  ].filter(([, value]) => value);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return String(text);
  }
}

/** A spoken answer. Raw samples of 16 bits, as streams have them, get the head of a WAV file. */
function audioView({ data, transcript }, format = "wav") {
  const url = data && (format === "pcm16" ? wavUrl(data) : `data:audio/${format};base64,${data}`);
  return h(
    "div",
    { class: "stack" },
    url && h("audio", { src: url, controls: true, "aria-label": t("run.audio") }),
    transcript && h("p", {}, transcript),
  );
}

function wavUrl(base64) {
  const samples = atob(base64);
  const rate = 24_000;
  const head = new DataView(new ArrayBuffer(44));
  const word = (at, text) => [...text].forEach((one, i) => head.setUint8(at + i, one.charCodeAt(0)));
  word(0, "RIFF");
  head.setUint32(4, 36 + samples.length, true);
  word(8, "WAVEfmt ");
  for (const [at, value] of [
    [16, 16],
    [24, rate],
    [28, rate * 2],
    [40, samples.length],
  ])
    head.setUint32(at, value, true);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ])
    head.setUint16(at, value, true);
  word(36, "data");
  return `data:audio/wav;base64,${btoa(String.fromCharCode(...new Uint8Array(head.buffer)) + samples)}`;
}

function medium(found) {
  const url = found?.url ?? found?.image_url?.url ?? found?.data_url;
  // The policy of the page loads no address elsewhere: such a picture is a link.
  if (typeof url === "string" && /^data:image\/(png|jpeg|webp|gif);base64,/.test(url))
    return h("img", { src: url, alt: t("run.image") });
  if (typeof url === "string") return h("p", {}, link(url, url));
  return h("p", { class: "help" }, t("run.media.unknown"));
}

function source(found) {
  const cited = found?.url_citation ?? found ?? {};
  return h(
    "li",
    {},
    cited.url ? link(cited.url, cited.title || cited.url) : h("code", {}, JSON.stringify(found)),
  );
}

/** The tools under an answer: copy. */
export const copyAnswer = (answer) => copyButton(t("copy"), t("copied"), () => answer.text);
