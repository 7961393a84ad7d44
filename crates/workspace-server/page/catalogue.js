// The models of the workspace: loaded once for all views, searched, filtered and sorted in the page.

import { button, h, oncePerFrame, select } from "./dom.js";
import { sentenceOf, titleOf } from "./errors.js";
import { day, tokens, usd } from "./format.js";
import { t } from "./texts.js";

const loads = new WeakMap();

/** The models, and the providers that did not answer. Loaded anew when `fresh`, or after a failure. */
export function catalogueOf(session, api, { fresh = false } = {}) {
  if (fresh || !loads.has(session)) {
    const load = api.models();
    loads.set(session, load);
    load.catch(() => loads.delete(session));
  }
  return loads.get(session);
}

/** Has the models loaded anew when they are next needed: the providers have changed. */
export function forgetCatalogue(session) {
  loads.delete(session);
  presets.delete(session);
}

const presets = new WeakMap();

/**
 * The presets that requests may use, as entries of a list of models: a preset has the place of a model, or
 * stands behind the id of one. A provider that has no presets, or does not tell them, adds none.
 */
export function presetsOf(session, api) {
  if (!presets.has(session)) {
    const load = loadPresets(api);
    presets.set(session, load);
    load.catch(() => presets.delete(session));
  }
  return presets.get(session);
}

async function loadPresets(api) {
  const instances = await api.providers();
  const lists = await Promise.all(
    instances.map(async (instance) => {
      const found = await api.presets(instance.id).catch(() => null);
      return (found ?? []).filter((one) => one.is_active).map((one) => presetEntry(one, instance));
    }),
  );
  return lists.flat();
}

const presetEntry = (preset, { id: provider, enabled_models: enabled }) => ({
  reference: `${provider}:${preset.model_id}`,
  provider,
  id: preset.model_id,
  name: preset.name,
  description: preset.description,
  author: "",
  inputs: [],
  outputs: [],
  parameters: [],
  priceIn: null,
  priceOut: null,
  enabled: !enabled || enabled.includes(preset.model_id),
  isPreset: true,
});

/** The preset of a reference: it is one, or ends in one. */
export const presetIn = (found, reference) =>
  found.find((one) => reference?.startsWith(`${one.provider}:`) && reference.endsWith(one.id)) ??
  found.find((one) => reference?.endsWith(one.id));

/** The filters, each with its text and its test. */
export const FILTERS = {
  tools: (model) => model.tools,
  images: (model) => model.inputs.includes("image"),
  files: (model) => model.inputs.includes("file"),
  audio: (model) => model.inputs.includes("audio") || model.outputs.includes("audio"),
  draws: (model) => model.outputs.includes("image"),
  reasoning: (model) => model.reasoning,
  free: (model) => model.free,
  preset: (model) => model.isPreset ?? false,
};

const price = (text) => (text === null ? Number.POSITIVE_INFINITY : Number(text));
const SORTS = {
  relevance: null,
  name: (a, b) => a.name.localeCompare(b.name),
  price: (a, b) => price(a.priceIn) + price(a.priceOut) - price(b.priceIn) - price(b.priceOut),
  context: (a, b) => (b.context ?? 0) - (a.context ?? 0),
  newest: (a, b) => (b.created ?? 0) - (a.created ?? 0),
};

/** The models that fit a search, best first. */
export function searched(
  models,
  {
    text = "",
    filters = [],
    maxPrice = "",
    minContext = "",
    author = "",
    provider = "",
    enabled = "",
    sort = "relevance",
  },
) {
  const words = text
    .toLowerCase()
    .split(/[\s/:_-]+/)
    .filter(Boolean);
  const found = [];
  for (const model of models) {
    if (author && model.author !== author) continue;
    if (provider && model.provider !== provider) continue;
    if (enabled && String(model.enabled) !== enabled) continue;
    if (maxPrice && !(price(model.priceOut) <= Number(maxPrice) && price(model.priceIn) <= Number(maxPrice)))
      continue;
    if (minContext && !((model.context ?? 0) >= Number(minContext))) continue;
    if (!filters.every((name) => FILTERS[name](model))) continue;
    const score = words.length ? scoreOf(model, words) : 0;
    if (score !== null) found.push({ model, score });
  }
  const by = SORTS[sort];
  found.sort((a, b) => (by ? by(a.model, b.model) : b.score - a.score));
  return found.map(({ model }) => model);
}

function scoreOf(model, words) {
  model.terms ??= `${model.id} ${model.name}`
    .toLowerCase()
    .split(/[^\p{L}\p{N}.]+/u)
    .filter(Boolean);
  let score = 0;
  for (const word of words) {
    let best = 0;
    for (const term of model.terms) {
      if (term === word) best = Math.max(best, 4);
      else if (term.startsWith(word)) best = Math.max(best, 3);
      else if (term.includes(word)) best = Math.max(best, 2);
      else if (best < 1 && isNear(word, term)) best = 1;
    }
    if (!best) return null;
    score += best;
  }
  // Of two that fit as well, the one whose price is known comes first, then the shorter id.
  return score + (model.priceIn === null ? 0 : 0.5) - model.id.length / 1000;
}

/** Whether a word is a term, or the beginning of one, but for one typo (two in a long word). */
function isNear(word, term) {
  const allowed = word.length >= 7 ? 2 : word.length >= 4 ? 1 : 0;
  if (!allowed) return false;
  const target = term.slice(0, word.length + allowed);
  if (target.length < word.length - allowed) return false;
  let before = null;
  let row = Array.from({ length: target.length + 1 }, (_, at) => at);
  for (let i = 1; i <= word.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= target.length; j += 1) {
      const same = word[i - 1] === target[j - 1] ? 0 : 1;
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + same);
      const swapped = i > 1 && j > 1 && word[i - 1] === target[j - 2] && word[i - 2] === target[j - 1];
      if (swapped) next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    before = row;
    row = next;
  }
  return row.slice(Math.max(0, word.length - allowed)).some((distance) => distance <= allowed);
}

/** A price per million tokens. */
export function perMillion(text) {
  if (text === null || text === undefined) return "–";
  if (Number(text) === 0) return t("free");
  return usd(text);
}

/** A model's line: name, id, abilities, context and prices. */
export function modelLine(model) {
  const soon = model.deprecation;
  return [
    h(
      "div",
      { class: "model-name" },
      h("span", { class: "name" }, model.name),
      h("code", {}, model.id),
      model.isPreset && model.description && h("span", { class: "help" }, model.description),
      soon && h("span", { class: "badge warn" }, t("models.ends", { date: day(soon.date) })),
    ),
    h(
      "div",
      { class: "model-abilities" },
      Object.keys(FILTERS)
        .filter((name) => name !== "free" && FILTERS[name](model))
        .map((name) => h("span", { class: "badge" }, t(`filter.${name}`))),
    ),
    // A preset's model is known to the service alone.
    ...(model.isPreset
      ? []
      : [
          ["models.context", tokens(model.context)],
          ["models.in", perMillion(model.priceIn)],
          ["models.out", perMillion(model.priceOut)],
        ].map(([key, value]) => h("div", { class: "number" }, h("span", { class: "unit" }, t(key)), value))),
  ];
}

/** The controls of a search. `onchange` is called with it. */
export function searchControls(search, models, onchange, { compact = false } = {}) {
  const change = (part) => onchange(Object.assign(search, part));
  const unique = (name) => [...new Set(models.map((model) => model[name]).filter(Boolean))].sort();
  const text = h("input", {
    type: "search",
    value: search.text ?? "",
    placeholder: t("models.search"),
    "aria-label": t("models.search"),
    autocomplete: "off",
    spellcheck: "false",
  });
  const typed = oncePerFrame(() => change({ text: text.value }));
  text.addEventListener("input", typed);
  const names = Object.keys(FILTERS).filter((name) => name !== "preset" || models.some(FILTERS.preset));
  const toggles = names.map((name) => {
    const on = () => (search.filters ?? []).includes(name);
    const element = button(
      t(`filter.${name}`),
      () => {
        change({
          filters: on() ? search.filters.filter((one) => one !== name) : [...(search.filters ?? []), name],
        });
        element.setAttribute("aria-pressed", String(on()));
      },
      { class: "toggle", "aria-pressed": String(on()) },
    );
    return element;
  });
  const pick = (name, label, options) => {
    const element = select(options, search[name] ?? "", { "aria-label": label });
    element.addEventListener("change", () => change({ [name]: element.value }));
    return element;
  };
  const any = (label, values) => [["", label], ...values.map((value) => [value, value])];
  const sort = pick(
    "sort",
    t("sort"),
    Object.keys(SORTS).map((name) => [name, t(`sort.${name}`)]),
  );
  sort.value = search.sort ?? "relevance";
  return h(
    "div",
    { class: "search" },
    h("div", { class: "search-row" }, text, sort),
    h("div", { class: "toggles", role: "group", "aria-label": t("filters") }, toggles),
    !compact &&
      h(
        "div",
        { class: "search-row wrap" },
        pick("author", t("models.author"), any(t("models.author.any"), unique("author"))),
        unique("provider").length > 1 &&
          pick("provider", t("models.provider"), any(t("models.provider.any"), unique("provider"))),
        pick("maxPrice", t("models.price"), [
          ["", t("models.price.any")],
          ...["0.5", "1", "5", "15"].map((most) => [most, t("models.price.most", { price: most })]),
        ]),
        pick("minContext", t("models.context"), [
          ["", t("models.context.any")],
          ...[32_000, 128_000, 200_000, 1_000_000].map((least) => [
            String(least),
            t("models.context.least", { n: tokens(least) }),
          ]),
        ]),
        pick("enabled", t("models.enabled"), [
          ["", t("models.enabled.any")],
          ["true", t("models.enabled.yes")],
          ["false", t("models.enabled.no")],
        ]),
      ),
  );
}

/** The providers that did not answer, named beside the others. */
export function failedNotice(failed) {
  if (!failed?.length) return null;
  return h(
    "div",
    { class: "notice warn", role: "status" },
    failed.map((one) =>
      h(
        "div",
        {},
        h("p", {}, h("strong", {}, one.provider), ` ${titleOf(one)}`),
        h("p", { class: "said help", lang: "en" }, sentenceOf(one.message).said),
      ),
    ),
  );
}

/** The reference of a model, and the model of a reference. */
export const findModel = (models, reference) =>
  models.find((model) => model.reference === reference) ?? models.find((model) => model.id === reference);
