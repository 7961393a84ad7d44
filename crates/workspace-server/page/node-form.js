// The form of an agent node, and its JSON beside it. Either changes the other; unknown keys stay.

import { NODE_EXTRA } from "./api.js";
import { afterTyping, field, h, newId, select } from "./dom.js";
import { modelButton, modelOf } from "./model-picker.js";
import { t } from "./texts.js";

/** The parameters: where each stands in the node, and its name in a model's list of what it takes. */
const PARAMETERS = [
  { key: "temperature", min: 0, max: 2, step: 0.1 },
  { key: "max_tokens", min: 1, step: 1 },
  { key: "top_p", min: 0, max: 1, step: 0.05 },
  { key: "frequency_penalty", min: -2, max: 2, step: 0.1 },
  { key: "presence_penalty", min: -2, max: 2, step: 0.1 },
  { key: "stop_sequences", takes: "stop", kind: "lines" },
  { key: "seed", in: "request", step: 1 },
  { key: "top_k", in: "request", min: 0, step: 1 },
  { key: "reasoning", in: "request", kind: "effort" },
];
const EFFORTS = ["minimal", "low", "medium", "high"];

/** A node of which only the kind is set. */
export const emptyNode = () => ({ id: "agent", type: "ai-agent-node", config: { agent_mode: "standard" } });

/** The form. `node` is changed in place; `onchange` is called after each change. */
export function nodeForm({ api, session, node, onchange, withModel = true }) {
  const config = () => (node.config ??= {});
  const extra = () => config()[NODE_EXTRA] ?? {};
  const put = (key, value) => {
    if (value === undefined || value === "" || (Array.isArray(value) && !value.length)) delete config()[key];
    else config()[key] = value;
    changed();
  };
  const putExtra = (key, value) => {
    const now = { ...extra() };
    const isEmpty =
      value === undefined ||
      value === "" ||
      value === false ||
      (typeof value === "object" && !Object.keys(value).length);
    if (isEmpty) delete now[key];
    else now[key] = value;
    put(NODE_EXTRA, Object.keys(now).length ? now : undefined);
  };

  const parameters = h("div", { class: "fields" });
  const json = h("textarea", { rows: "16", class: "mono", spellcheck: "false" });
  const jsonBox = field(t("node.json"), json, { wide: true, help: t("node.json.help") });
  const form = h("div", { class: "stack" });
  const element = h(
    "div",
    { class: "stack" },
    form,
    h("details", { class: "group" }, h("summary", {}, t("node.json")), jsonBox),
  );

  json.addEventListener(
    "input",
    afterTyping(() => {
      try {
        const read = JSON.parse(json.value);
        if (!read || typeof read !== "object" || Array.isArray(read)) throw new Error(t("node.json.object"));
        for (const key of Object.keys(node)) delete node[key];
        Object.assign(node, read);
        jsonBox.setProblem(null);
        drawForm();
        onchange();
      } catch (error) {
        jsonBox.setProblem(error.message);
      }
    }, 400),
  );

  function changed() {
    if (document.activeElement !== json) json.value = JSON.stringify(node, null, 2);
    jsonBox.setProblem(null);
    onchange();
  }

  function drawForm() {
    const system = h("textarea", { rows: "4" });
    system.value = config().system_prompt ?? "";
    system.addEventListener("input", () => put("system_prompt", system.value || undefined));

    const model = modelButton({
      api,
      session,
      value: config().model ?? config().model_id,
      onpick: (reference) => {
        delete config().model_id;
        put("model", reference);
        drawParameters();
      },
    });

    form.replaceChildren(
      ...[
        withModel && field(t("node.model"), model.element),
        field(t("node.system"), system, { wide: true, help: t("node.system.help") }),
        h("details", { class: "group" }, h("summary", {}, t("node.parameters")), parameters),
        group("node.tools", toolFields()),
        withModel && group("node.routing", routingFields()),
      ].filter(Boolean),
    );
    drawParameters();
  }

  const group = (key, content) =>
    h("details", { class: "group" }, h("summary", {}, t(key)), h("div", { class: "stack" }, content));

  /** Only what the chosen model takes is offered; what is set all the same is shown with a warning. */
  async function drawParameters() {
    const model = withModel ? await modelOf(session, api, config().model ?? config().model_id) : null;
    const takes = (one) => !model?.parameters.length || model.parameters.includes(one.takes ?? one.key);
    const valueOf = (one) => (one.in ? extra()[one.in]?.[one.key] : config()[one.key]);
    const shown = PARAMETERS.filter((one) => takes(one) || valueOf(one) !== undefined);
    parameters.replaceChildren(
      ...shown.map((one) => {
        const set = (value) => {
          if (!one.in) return put(one.key, value);
          const inner = { ...extra()[one.in] };
          if (value === undefined) delete inner[one.key];
          else inner[one.key] = value;
          putExtra(one.in, inner);
        };
        const box = parameterField(one, valueOf(one), set, model?.default_parameters?.[one.key]);
        if (!takes(one)) box.setProblem(t("node.not.taken"));
        return box;
      }),
    );
  }

  function parameterField(one, value, set, byDefault) {
    if (one.kind === "effort") {
      const control = select(
        [["", t("field.unset")], ...EFFORTS.map((word) => [word, t(`effort.${word}`)])],
        value?.effort ?? "",
      );
      control.addEventListener("change", () => set(control.value ? { effort: control.value } : undefined));
      return field(t("parameter.reasoning"), control);
    }
    if (one.kind === "lines") {
      const control = h("textarea", { rows: "2" });
      control.value = (value ?? []).join("\n");
      control.addEventListener("input", () => set(control.value.split("\n").filter(Boolean)));
      return field(t(`parameter.${one.key}`), control, { help: t("parameter.lines") });
    }
    const control = h("input", {
      type: "number",
      min: one.min,
      max: one.max,
      step: one.step,
      value: value ?? "",
      placeholder: byDefault ?? t("field.unset"),
    });
    const box = field(t(`parameter.${one.key}`), control);
    control.addEventListener("input", () => {
      const number = control.valueAsNumber;
      const isGood = control.value === "" || control.checkValidity();
      box.setProblem(isGood ? null : control.validationMessage);
      if (isGood) set(Number.isNaN(number) ? undefined : number);
    });
    return box;
  }

  function toolFields() {
    const tools = h("textarea", {
      rows: "6",
      class: "mono",
      spellcheck: "false",
      placeholder: '[{"name": "weather", "parameters": {"type": "object"}}]',
    });
    const now = config().function_calling_config?.tools;
    tools.value = now?.length ? JSON.stringify(now, null, 2) : "";
    const box = field(t("node.tools"), tools, { wide: true, help: t("node.tools.help") });
    tools.addEventListener(
      "input",
      afterTyping(() => {
        try {
          const read = tools.value.trim() ? JSON.parse(tools.value) : [];
          if (!Array.isArray(read)) throw new Error(t("node.tools.array"));
          box.setProblem(null);
          const calling = { ...config().function_calling_config };
          if (read.length) calling.tools = read;
          else delete calling.tools;
          config().agent_mode = read.length ? "function_calling" : "standard";
          put("function_calling_config", Object.keys(calling).length ? calling : undefined);
        } catch (error) {
          box.setProblem(error.message);
        }
      }),
    );
    return box;
  }

  function routingFields() {
    const fallback = h("textarea", { rows: "2", spellcheck: "false", placeholder: "openai/gpt-4o-mini" });
    fallback.value = (extra().fallback ?? []).join("\n");
    fallback.addEventListener("input", () =>
      putExtra(
        "fallback",
        fallback.value
          .split("\n")
          .map((line) => line.trim())
          .filter(Boolean),
      ),
    );
    const paid = h("input", { type: "checkbox", id: newId("paid"), checked: extra().allow_paid ?? false });
    paid.addEventListener("change", () => putExtra("allow_paid", paid.checked));
    const parameters = h("textarea", {
      rows: "3",
      class: "mono",
      spellcheck: "false",
      placeholder: '{"openrouter": {"provider": {"sort": "price"}}}',
    });
    parameters.value = extra().parameters ? JSON.stringify(extra().parameters, null, 2) : "";
    const box = field(t("node.provider"), parameters, { wide: true, help: t("node.provider.help") });
    parameters.addEventListener(
      "input",
      afterTyping(() => {
        try {
          putExtra("parameters", parameters.value.trim() ? JSON.parse(parameters.value) : undefined);
          box.setProblem(null);
        } catch (error) {
          box.setProblem(error.message);
        }
      }),
    );
    return [
      field(t("node.fallback"), fallback, { wide: true, help: t("node.fallback.help") }),
      h("label", { class: "check", for: paid.id }, paid, h("span", {}, t("node.paid"))),
      box,
    ];
  }

  drawForm();
  json.value = JSON.stringify(node, null, 2);
  return { element, redraw: () => (drawForm(), (json.value = JSON.stringify(node, null, 2))) };
}
