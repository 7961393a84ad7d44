// An answer while it comes and afterwards: what the events say of it, and how it is shown.

import { button, copyButton, h, oncePerFrame } from "./dom.js";
import { errorBox } from "./errors.js";
import { count, milliseconds, usd } from "./format.js";
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
    case "audio_chunk":
      answer.media.push(event.image ?? event.audio);
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
      Object.assign(answer.figures, {
        total: event.latency_ms ?? event.total_ms ?? elapsed,
        first: event.first_output_ms ?? answer.figures.first,
        cost: event.cost_usd ?? answer.figures.cost,
        served: event.model,
        upstream: event.upstream ?? event.provider_name,
        finish: event.finish_reason,
        attempts: event.attempts ?? [],
      });
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

/** Ends an answer by an error. What has come stays. */
export function fail(answer, error, elapsed) {
  answer.state = error.name === "AbortError" ? "stopped" : "failed";
  answer.figures.total ??= elapsed;
  if (answer.state === "failed")
    answer.error = {
      code: error.code,
      message: error.message,
      problems: error.problems,
      next: error.next,
      retryAfter: error.retryAfter,
    };
}

/** The element of an answer. `update` redraws it, at most once in a frame. */
export function answerView(answer, { retry, onresults, compact = false } = {}) {
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
    compact ? null : figures,
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
    if (media.childElementCount !== answer.media.length) media.replaceChildren(...answer.media.map(medium));
    if (sources.childElementCount !== answer.sources.length) {
      sources.hidden = false;
      sources.replaceChildren(...answer.sources.map(source));
    }
    notes.replaceChildren(...answer.notes.map((note) => h("p", { class: "notice" }, note)));
    if (drawnState === answer.state && calls.childElementCount === answer.calls.length) return drawFigures();
    drawnState = answer.state;
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
        answer.state === "stopped" && h("p", { class: "notice" }, t("run.stopped")),
        answer.state === "failed" && errorBox(answer.error, { retry }),
        answer.state === "done" &&
          answer.figures.finish === "length" &&
          h("p", { class: "notice warn" }, t("run.length")),
        answer.state === "done" &&
          answer.figures.finish === "content_filter" &&
          h("p", { class: "notice warn" }, t("run.filtered")),
      ].filter(Boolean),
    );
    drawFigures();
  };

  function drawFigures() {
    figures.replaceChildren(
      ...figureRows(answer).flatMap(([name, value]) => [h("div", {}, h("dt", {}, name), h("dd", {}, value))]),
    );
    const tried = answer.figures.attempts ?? [];
    attempts.hidden = !tried.length;
    if (tried.length && attempts.childElementCount !== 2) {
      attempts.replaceChildren(
        h("summary", {}, t("run.attempts", { n: tried.length + 1 })),
        h(
          "ol",
          {},
          tried.map((one) =>
            h("li", {}, h("code", {}, one.model ?? one.provider ?? ""), ` ${one.message ?? ""}`),
          ),
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
    input.addEventListener("input", () => (call.result = input.value));
    return h(
      "section",
      { class: "call", "aria-label": t("run.call", { name: call.name }) },
      h("p", {}, t("run.call.wants"), " ", h("code", {}, call.name)),
      code(pretty(call.arguments), "json"),
      onresults && input,
    );
  }

  draw();
  return { element, draw, update: oncePerFrame(draw) };
}

/** The figures of an answer that are known, as pairs of name and value. */
export function figureRows({ figures, usage, provider, model }) {
  const speed =
    figures.total && usage.completion_tokens && figures.total > (figures.first ?? 0)
      ? usage.completion_tokens / ((figures.total - (figures.first ?? 0)) / 1000)
      : null;
  const served = [figures.served ?? model, figures.upstream ?? provider].filter(Boolean).join(" · ");
  return [
    [t("figure.served"), served],
    [t("figure.first"), figures.first !== undefined && milliseconds(figures.first)],
    [t("figure.total"), figures.total !== undefined && milliseconds(figures.total)],
    [
      t("figure.speed"),
      speed && Number.isFinite(speed) && t("figure.per.second", { n: count(Math.round(speed)) }),
    ],
    [
      t("figure.tokens"),
      usage.prompt_tokens !== undefined &&
        `${count(usage.prompt_tokens)} + ${count(usage.completion_tokens)}`,
    ],
    [t("figure.cost"), figures.cost !== undefined && figures.cost !== null && usd(figures.cost)],
    [t("figure.finish"), figures.finish],
  ].filter(([, value]) => value);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return String(text);
  }
}

function medium(found) {
  const url = found?.url ?? found?.image_url?.url ?? found?.data_url;
  // The policy of the page loads no address elsewhere: such a picture is a link.
  if (typeof url === "string" && /^data:image\/(png|jpeg|webp|gif);base64,/.test(url))
    return h("img", { src: url, alt: t("run.image") });
  if (typeof url === "string" && /^data:audio\//.test(url)) return h("audio", { src: url, controls: true });
  if (typeof url === "string") return h("p", {}, link(url, url));
  if (found?.transcript || found?.text) return h("p", {}, found.transcript ?? found.text);
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
