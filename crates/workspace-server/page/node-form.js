// The form of an agent node, and its JSON beside it. Either changes the other; unknown keys stay.

import { NODE_EXTRA } from "./api.js";
import { presetIn, presetsOf } from "./catalogue.js";
import { button, field, h, newId, onTyping, select } from "./dom.js";
import { modelButton, modelOf, pickModel } from "./model-picker.js";
import { t } from "./texts.js";
import { jsonProblem, numberProblem } from "./words.js";

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
  { key: "modalities", in: "request", kind: "image" },
];
const EFFORTS = ["minimal", "low", "medium", "high"];

/** A tool to begin with. */
const EXAMPLE_TOOL = {
  name: "weather",
  description: "The weather at a place.",
  parameters: {
    type: "object",
    properties: { place: { type: "string" } },
    required: ["place"],
  },
};

/** A variable in a text, `{{name}}`. */
export const VARIABLE = /\{\{\s*([\p{L}\p{N}_.-]+)\s*\}\}/gu;

/** The names of the variables in a text. */
export const variablesOf = (text) => [
  ...new Set([...(text ?? "").matchAll(VARIABLE)].map(([, name]) => name)),
];

/** A node of which only the kind is set. */
export const emptyNode = () => ({ id: "agent", type: "ai-agent-node", config: { agent_mode: "standard" } });

/**
 * The form. `node`, and `variables` of its system prompt, are changed in place; `onchange` is called after
 * each change.
 */
export function nodeForm({ api, session, node, variables = {}, onchange, withModel = true }) {
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

  const preset = h("div", { hidden: true });
  const parameters = h("div", { class: "fields" });
  const values = h("div", { class: "fields variables" });
  const json = h("textarea", { rows: "16", class: "mono", spellcheck: "false" });
  const jsonBox = field(t("node.json"), json, { wide: true, help: t("node.json.help") });
  const form = h("div", { class: "stack" });
  const open = new Set();
  const element = h(
    "div",
    { class: "stack" },
    form,
    h("details", { class: "group" }, h("summary", {}, t("node.json")), jsonBox),
  );

  onTyping(
    json,
    () => {
      try {
        const read = JSON.parse(json.value);
        if (!read || typeof read !== "object" || Array.isArray(read)) throw new Error(t("node.json.object"));
        for (const key of Object.keys(node)) delete node[key];
        Object.assign(node, read);
        jsonBox.setProblem(null);
        drawForm();
        onchange();
      } catch (error) {
        jsonBox.setProblem(jsonProblem(error));
      }
    },
    400,
  );

  function changed() {
    if (document.activeElement !== json) json.value = JSON.stringify(node, null, 2);
    jsonBox.setProblem(null);
    onchange();
  }

  function drawForm() {
    const system = h("textarea", { rows: "4" });
    system.value = config().system_prompt ?? "";
    system.addEventListener("input", () => {
      put("system_prompt", system.value || undefined);
      drawVariables();
    });

    const model = modelButton({
      api,
      session,
      value: config().model ?? config().model_id,
      onpick: (reference) => {
        delete config().model_id;
        put("model", reference);
        drawParameters();
        void drawPreset(model);
      },
    });

    form.replaceChildren(
      ...[
        withModel && field(t("node.model"), model.element),
        withModel && preset,
        field(t("node.system"), system, { wide: true, help: t("node.system.help") }),
        values,
        group("node.parameters", parameters),
        group("node.tools", stack(toolFields())),
        withModel && group("node.routing", stack(routingFields())),
        withModel && group("node.limits", limitFields()),
      ].filter(Boolean),
    );
    drawVariables();
    drawParameters();
    if (withModel) void drawPreset(model);
  }

  /** The presets that can stand behind the id of the chosen model, where its provider has some. */
  async function drawPreset(shown) {
    const reference = config().model ?? config().model_id ?? "";
    const all = await presetsOf(session, api).catch(() => []);
    const now = presetIn(all, reference);
    const base = now ? reference.slice(0, -now.id.length) : reference;
    const mine = all.filter((one) => base.startsWith(`${one.provider}:`) && base !== `${one.provider}:`);
    preset.hidden = !mine.length;
    if (!mine.length) return preset.replaceChildren();
    const control = select(
      [["", t("node.preset.none")], ...mine.map((one) => [one.id, one.name])],
      now ? now.id : "",
      { name: "preset" },
    );
    control.addEventListener("change", () => {
      delete config().model_id;
      put("model", base + control.value);
      shown.set(base + control.value);
      drawParameters();
    });
    preset.replaceChildren(field(t("node.preset"), control, { help: t("node.preset.help") }));
  }

  function drawVariables() {
    const names = variablesOf(config().system_prompt);
    if (values.dataset.names === names.join()) return;
    values.dataset.names = names.join();
    values.replaceChildren(
      ...names.map((name) => {
        const control = h("input", { value: variables[name] ?? "", autocomplete: "off" });
        control.addEventListener("input", () => {
          variables[name] = control.value;
          onchange();
        });
        return field(t("node.variable", { name }), control);
      }),
    );
  }

  /** A folded group. It stays open when the form is drawn anew. */
  function group(key, content) {
    const box = h("details", { class: "group", open: open.has(key) }, h("summary", {}, t(key)), content);
    box.addEventListener("toggle", () => (box.open ? open.add(key) : open.delete(key)));
    return box;
  }
  const stack = (content) => h("div", { class: "stack" }, content);

  /** Only what the chosen model takes is offered; what is set all the same is shown with a warning. */
  async function drawParameters() {
    const model = withModel ? await modelOf(session, api, config().model ?? config().model_id) : null;
    const takes = (one) => {
      if (one.kind === "image") return model?.outputs.includes("image");
      return !model?.parameters.length || model.parameters.includes(one.takes ?? one.key);
    };
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
    if (one.kind === "image") {
      const control = h("input", { type: "checkbox", checked: value?.includes("image") ?? false });
      control.addEventListener("change", () => set(control.checked ? ["image", "text"] : undefined));
      return field(t("parameter.image"), control);
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
      const problem = numberProblem(control);
      box.setProblem(problem);
      if (!problem) set(Number.isNaN(number) ? undefined : number);
    });
    return box;
  }

  function toolFields() {
    const tools = h("textarea", { rows: "8", class: "mono", spellcheck: "false" });
    const now = config().function_calling_config?.tools;
    tools.value = now?.length ? JSON.stringify(now, null, 2) : "";
    const box = field(t("node.tools"), tools, { wide: true, help: t("node.tools.help") });
    onTyping(tools, () => {
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
        box.setProblem(jsonProblem(error));
      }
    });
    const example = button(
      t("node.tools.example"),
      () => {
        tools.value = JSON.stringify([EXAMPLE_TOOL], null, 2);
        for (const event of ["input", "change"]) tools.dispatchEvent(new Event(event));
        tools.focus();
      },
      { class: "small" },
    );
    return [box, h("div", {}, example)];
  }

  /** The models to ask when the one before cannot answer, in order. */
  function fallbackList() {
    const list = h("ul", { class: "rows" });
    const set = (models) => {
      putExtra("fallback", models);
      draw();
    };
    const draw = () => {
      const models = extra().fallback ?? [];
      list.replaceChildren(
        ...models.map((model, at) =>
          h(
            "li",
            { class: "chip" },
            h("span", { class: "grow" }, `${at + 1}. ${model}`),
            at > 0 &&
              button("↑", () => set(models.toSpliced(at, 1).toSpliced(at - 1, 0, model)), {
                class: "plain icon",
                "aria-label": t("node.fallback.up", { model }),
              }),
            button("×", () => set(models.toSpliced(at, 1)), {
              class: "plain icon",
              "aria-label": t("node.fallback.remove", { model }),
            }),
          ),
        ),
        h(
          "li",
          {},
          button(
            t("compare.add"),
            () => pickModel({ api, session, onpick: (model) => set([...new Set([...models, model])]) }),
            { class: "small" },
          ),
        ),
      );
    };
    draw();
    return h(
      "div",
      { class: "field wide", role: "group", "aria-label": t("node.fallback") },
      h("span", { class: "label" }, t("node.fallback")),
      list,
      h("p", { class: "help" }, t("node.fallback.help")),
    );
  }

  /** The limits of a conversation, and of one question with all its turns. */
  function limitFields() {
    const inner = (name, key, value) => {
      const now = { ...config()[name] };
      if (value === undefined || value === "") delete now[key];
      else now[key] = value;
      put(name, Object.keys(now).length ? now : undefined);
    };
    const whole = (text, set, value) => {
      const control = h("input", { type: "number", min: 1, step: 1, value: value ?? "" });
      const box = field(t(text), control);
      control.addEventListener("input", () => {
        const problem = numberProblem(control);
        box.setProblem(problem);
        if (!problem) set(Number.isNaN(control.valueAsNumber) ? undefined : control.valueAsNumber);
      });
      return box;
    };
    const strategy = select(
      ["", "truncate", "error"].map((word) => [word, t(word ? `strategy.${word}` : "strategy.none")]),
      config().context_window?.strategy ?? "",
    );
    strategy.addEventListener("change", () => inner("context_window", "strategy", strategy.value));
    const limits = () => extra().limits ?? {};
    const setLimit = (key, value) => {
      const now = { ...limits() };
      if (value === undefined) delete now[key];
      else now[key] = value;
      putExtra("limits", now);
    };
    const cost = h("input", {
      inputmode: "decimal",
      placeholder: "0.50",
      value: limits().max_cost_usd ?? "",
    });
    const costBox = field(t("limit.cost"), cost, { help: t("limit.cost.help") });
    cost.addEventListener("input", () => {
      const text = cost.value.trim();
      const isGood = text === "" || /^\d+(\.\d+)?$/.test(text);
      costBox.setProblem(isGood ? null : t("costs.limit.number"));
      if (isGood) setLimit("max_cost_usd", text || undefined);
    });
    return h(
      "div",
      { class: "fields" },
      field(t("node.context"), strategy, { help: t("node.context.help") }),
      whole("node.memory", (n) => inner("memory", "message_window", n), config().memory?.message_window),
      costBox,
      whole("limit.seconds", (n) => setLimit("max_seconds", n), limits().max_seconds),
      whole(
        "limit.turns",
        (n) => inner("function_calling_config", "max_iterations", n),
        config().function_calling_config?.max_iterations,
      ),
    );
  }

  function routingFields() {
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
    onTyping(parameters, () => {
      try {
        putExtra("parameters", parameters.value.trim() ? JSON.parse(parameters.value) : undefined);
        box.setProblem(null);
      } catch (error) {
        box.setProblem(jsonProblem(error));
      }
    });
    return [
      fallbackList(),
      h("label", { class: "check", for: paid.id }, paid, h("span", {}, t("node.paid"))),
      box,
    ];
  }

  drawForm();
  json.value = JSON.stringify(node, null, 2);
  return { element, redraw: () => (drawForm(), (json.value = JSON.stringify(node, null, 2))) };
}
