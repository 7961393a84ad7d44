// An error as a person needs it: the sentence of the host, and the step that comes next.

import { button, goLink, h } from "./dom.js";
import { has, language, t } from "./texts.js";
import { inOwnWords, problemText } from "./words.js";

/** The view in which the next step is taken. */
const PLACES = {
  auth_error: ["/providers", "nav.providers"],
  authentication: ["/providers", "nav.providers"],
  budget_exceeded: ["/costs", "nav.costs"],
  config: ["/providers", "nav.providers"],
  connection: ["/providers", "nav.providers"],
  model_not_enabled: ["/models", "nav.models"],
};

/** The words with which a provider's sentence begins, and the kind of error that they stand for. */
const KINDS = {
  "authentication failed": "authentication",
  "payment required": "payment_required",
  "permission denied": "permission_denied",
  "content policy": "content_policy",
  "model not found": "model_not_found",
  "not found": "model_not_found",
  "no endpoint fits": "no_endpoint",
  "upstream provider failed": "upstream",
  overloaded: "overloaded",
  "service failed": "server",
  "connection failed": "connection",
  "answer interrupted": "interrupted",
  "empty response": "empty_response",
};

/** The page's word for a code of the host, or a kind of a record, that has another one. */
const CODES = {
  ambiguous_model: "ambiguous",
  provider_auth_error: "authentication",
  context_length: "context_overflow",
  rate_limited: "rate_limit",
  tool_failed: "tool_error",
};

const codeOf = (error) => CODES[error.code] ?? error.code ?? "internal";

/** The heading of an error: of its kind, if that says more than the host's word. */
export const titleOf = (error) =>
  t(
    [`kind.${kindOf(error)}`, `kind.${codeOf(error)}`, `error.${codeOf(error)}`].find(has) ??
      "error.internal",
  );

function kindOf({ kind, message }) {
  const [phrase] = String(message ?? "").split(":");
  return kind && has(`kind.${kind}`) ? kind : KINDS[phrase];
}

/**
 * The parts of a provider's sentence. It ends with what to try, and with facts in brackets for those who look
 * into it: `payment required: …; try this: add credits (provider openrouter, HTTP 402)`.
 */
export function sentenceOf(message) {
  const [, said, next, facts] =
    String(message ?? "").match(/^([\s\S]*?)(?:; try this: ([\s\S]*?))?(?: \((provider [^()]*)\))?$/) ?? [];
  const [phrase] = (said ?? "").split(": ", 1);
  // The heading says the kind already.
  const rest = phrase in KINDS && said.length > phrase.length ? said.slice(phrase.length + 2) : said;
  return { said: rest ?? "", next: next ?? null, facts: facts ?? null };
}

/**
 * The element for an error. `retry` is offered when trying again may help. The host writes English: in
 * another language the page's own sentences come first, and the host's words stand behind them.
 */
export function errorBox(error, { retry } = {}) {
  const code = codeOf(error);
  const { said, next: tried, facts } = sentenceOf(error.message);
  const kind = kindOf(error);
  const isForeign = language() !== "en";
  const hosts = error.next || tried;
  const known = [`next.${kind}`, `next.${code}`, "next.internal"].find(has);
  const next = (!isForeign && hosts) || t(known);
  // A problem that is the whole error needs no list.
  const problems = (error.problems ?? []).filter(({ problem }) => problem !== error.message);
  // The sentence of a refused form is made of its problems.
  const sentence = problems.length ? null : inOwnWords(said);
  const original = isForeign && [said, hosts].filter(Boolean).join("; ");
  const place = PLACES[code] ?? PLACES[kind];
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("strong", {}, titleOf(error)),
    sentence && h("p", { class: "said" }, sentence),
    problems.length > 0 &&
      h(
        "ul",
        {},
        problems.map(({ field, problem }) => h("li", {}, h("code", {}, field), ` ${problemText(problem)}`)),
      ),
    h(
      "p",
      { class: "next" },
      h("strong", {}, t("next")),
      ` ${next[0].toUpperCase()}${next.slice(1)}`,
      error.retryAfter ? ` ${t("retry.after", { n: error.retryAfter })}` : "",
    ),
    original && !sentence && h("p", { class: "said help", lang: "en" }, original),
    (retry || place) &&
      h(
        "div",
        { class: "notice-actions" },
        retry && button(t("retry"), retry, { class: "small" }),
        place && goLink(place[0], t(place[1])),
      ),
    original &&
      sentence &&
      h(
        "details",
        {},
        h("summary", {}, t("error.original")),
        h("p", { class: "said", lang: "en" }, original),
      ),
    facts && h("details", {}, h("summary", {}, t("error.facts")), h("p", { class: "said" }, facts)),
  );
}

/** Fills `box` by `load`: a line meanwhile, and an error with a way to try again. */
export async function loadInto(box, load) {
  box.setAttribute("aria-busy", "true");
  if (!box.childElementCount) box.replaceChildren(h("p", { class: "loading" }, t("loading")));
  try {
    const content = await load();
    box.replaceChildren(...[content].flat(Infinity).filter(Boolean));
  } catch (error) {
    if (error.name === "AbortError") return;
    box.replaceChildren(errorBox(error, { retry: () => loadInto(box, load) }));
  } finally {
    box.removeAttribute("aria-busy");
  }
}
