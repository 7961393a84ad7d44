// A look at a request before it is sent: what stands against it, and what it may cost at most.

import { NODE_EXTRA } from "./api.js";
import { presetIn, presetsOf } from "./catalogue.js";
import { afterTyping, h } from "./dom.js";
import { usd } from "./format.js";
import { modelOf } from "./model-picker.js";
import { t } from "./texts.js";
import { problemText } from "./words.js";

const PARAMETERS = ["temperature", "max_tokens", "top_p", "frequency_penalty", "presence_penalty"];
/** More parameters whose form is the same for the host's check as in a node. */
const EXTRA = ["seed", "top_k", "reasoning", "modalities"];

/** The request of a node, as the host's check takes it. */
export function requestOf(node, messages) {
  const config = node.config ?? {};
  const request = {};
  for (const key of PARAMETERS) if ((config[key] ?? null) !== null) request[key] = config[key];
  for (const key of EXTRA) {
    const value = config[NODE_EXTRA]?.request?.[key];
    if ((value ?? null) !== null) request[key] = value;
  }
  const stop = config.stop_sequences ?? config.stop;
  if (stop?.length) request.stop = stop;
  const tools = config.agent_mode === "function_calling" ? config.function_calling_config?.tools : null;
  if (tools?.length) request.tools = tools.map((tool) => ({ type: "function", function: tool.function ?? tool }));
  const system = config.system_prompt ? [{ role: "system", content: config.system_prompt }] : [];
  return { ...request, messages: [...system, ...messages] };
}

/** The line of a check. `compose` makes `{model, request}`, or nothing while there is none to look at. */
export function requestCheck({ api, session, compose }) {
  const element = h("div", { class: "check-line", role: "status" });
  let control = null;
  const look = async () => {
    control?.abort();
    control = new AbortController();
    const composed = compose();
    if (!composed) return element.replaceChildren();
    try {
      const found = await api.check(composed.model, composed.request, { signal: control.signal });
      const model = await modelOf(session, api, composed.model);
      const preset = found.listed ? null : presetIn(await presetsOf(session, api), composed.model);
      // A model without a price is not free: its cost is not known.
      const isPriced = (model?.priceIn ?? null) !== null && found.estimate !== null;
      element.replaceChildren(
        ...[
          ...found.problems.map(({ problem }) => h("p", { class: "notice warn" }, problemText(problem))),
          !found.listed && h("p", { class: "help" }, t(preset ? "check.preset" : "check.unlisted")),
          isPriced && h("p", { class: "help" }, t("check.estimate", { cost: usd(found.estimate) })),
        ].filter(Boolean),
      );
    } catch (error) {
      // The host says the same again when the request is sent.
      if (error.name !== "AbortError") element.replaceChildren();
    }
  };
  return { element, update: afterTyping(look, 400) };
}
