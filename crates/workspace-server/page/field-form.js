// A form that is drawn from a provider's table of fields. The page knows no field of any provider.

import { field, h, newId, select } from "./dom.js";
import { groupText, settingTexts, t } from "./texts.js";
import { inOwnWords } from "./words.js";

/**
 * The form for `fields`. `saved` is the saved instance, if there is one: its settings, and which secrets it
 * has. `typed` are values that were typed before. `onchange` is called with what may be kept of what is
 * typed: no secret.
 */
export function fieldForm(fields, { saved, typed = {}, onchange } = {}) {
  const controls = new Map();
  const addressFields = fields
    .filter((one) => one.kind === "url" && one.key !== "site_url")
    .map((one) => one.key);
  const secrets = fields.filter((one) => one.kind === "secret").map((one) => one.key);

  const make = (one) => {
    const current = typed[one.key] ?? saved?.settings?.[one.key] ?? "";
    const known = secretOf(saved, one.key);
    const control = controlOf(one, current, known);
    const { label, help: said } = settingTexts(one);
    const help = [said, one.default && t("field.default", { value: one.default })].filter(Boolean).join(" ");
    const box = field(label, control.element, {
      help,
      required: one.required,
      wide: one.kind === "json",
    });
    if (control.extra) box.append(control.extra);
    control.element.addEventListener("input", () => {
      box.setProblem(null);
      if (addressFields.includes(one.key)) askForSecretsAnew();
      onchange?.(keepable());
    });
    controls.set(one.key, { ...control, box, spec: { ...one, label }, known });
    return box;
  };

  const plain = fields.filter((one) => !one.advanced && !one.group).map(make);
  const groups = new Map();
  for (const one of fields.filter((one) => one.advanced || one.group)) {
    const heading = one.group ? groupText(one.group) : t("field.advanced");
    if (!groups.has(heading)) groups.set(heading, []);
    groups.get(heading).push(make(one));
  }
  const folded = [...groups].map(([heading, boxes]) =>
    h("details", { class: "group" }, h("summary", {}, heading), h("div", { class: "fields" }, boxes)),
  );
  const element = h("div", { class: "stack" }, h("div", { class: "fields" }, plain), folded);

  /** The store drops a key when its address changes: the form says so before it is sent. */
  function askForSecretsAnew() {
    const moved = addressFields.some((key) => {
      const control = controls.get(key);
      return saved && control && control.read() !== (saved.settings?.[key] ?? "");
    });
    for (const key of secrets) {
      const control = controls.get(key);
      if (control?.known && !control.read()) control.box.setProblem(moved ? t("field.key.anew") : null);
    }
  }

  function keepable() {
    return Object.fromEntries(
      [...controls].filter(([, { spec }]) => spec.kind !== "secret").map(([key, { read }]) => [key, read()]),
    );
  }

  /** The secrets that are stored and not typed anew. */
  const keptSecrets = () =>
    secrets.map((key) => controls.get(key)).filter(({ known, read }) => known && !read());

  return {
    element,
    /** The address that requests go to, or an empty text where the form does not know it. */
    address() {
      const control = controls.get(addressFields[0]);
      return control ? control.read() || control.spec.default || "" : "";
    },
    /** Whether a secret is stored that the form does not have. */
    needsSecret: () => keptSecrets().length > 0,
    /** Says at the first of them why it is needed. */
    askForSecret(text) {
      const [first] = keptSecrets();
      first.box.setProblem(text);
      first.element.focus();
    },
    /** The values to send. Of a saved instance: what has changed, `null` for what was emptied. */
    values() {
      const values = {};
      for (const [key, { read, spec, removes }] of controls) {
        const value = read();
        const before = saved?.settings?.[key] ?? "";
        if (spec.kind === "secret") {
          if (value) values[key] = value;
          else if (removes?.()) values[key] = null;
        } else if (saved ? value !== before : value) {
          values[key] = value || null;
        }
      }
      return values;
    },
    /** Shows each problem at its field, and goes to the first. Returns those that have no field here. */
    show(problems) {
      for (const { box } of controls.values()) box.setProblem(null);
      const rest = [];
      let first = null;
      for (const problem of problems ?? []) {
        const key = problem.field.replace(/^settings\./, "");
        const control = controls.get(key);
        if (!control) {
          rest.push(problem);
          continue;
        }
        control.box.setProblem(problemOf(control.spec.label, problem.problem));
        const group = control.box.closest("details");
        if (group) group.open = true;
        first ??= control.element;
      }
      first?.focus();
      return rest;
    },
  };
}

/** A problem behind the label of its field: the host's words go on with it, those of the page stand alone. */
function problemOf(label, problem) {
  const own = inOwnWords(problem);
  return own === problem ? `${label} ${problem}` : `${label}: ${own ?? problem}`;
}

/** A saved secret, as far as it is known: `{configured, last4}`, never more. */
function secretOf(saved, key) {
  const found = saved?.secrets?.[key];
  return found?.configured ? found : null;
}

function controlOf(one, value, known) {
  const common = { name: one.key, placeholder: one.placeholder || undefined };
  if (one.kind === "secret") {
    const end = known?.last4 ? `••••${known.last4}` : known ? "••••••••" : one.placeholder || undefined;
    const element = h("input", {
      ...common,
      type: "password",
      placeholder: end,
      autocomplete: "off",
      spellcheck: "false",
    });
    const remove = h("input", { type: "checkbox", id: newId("remove") });
    const note = known && t("field.secret.kept", { end: known.last4 ?? "" });
    const extra =
      known &&
      h(
        "div",
        { class: "secret-note" },
        h("span", {}, note),
        !one.required &&
          h("label", { class: "check", for: remove.id }, remove, h("span", {}, t("field.secret.remove"))),
      );
    return { element, extra, read: () => element.value.trim(), removes: () => remove.checked };
  }
  if (one.kind === "bool" || (one.kind === "select" && one.options.length)) {
    const choices =
      one.kind === "bool"
        ? [
            ["true", t("yes")],
            ["false", t("no")],
          ]
        : one.options.map((word) => [word, word]);
    const element = select([["", t("field.unset")], ...choices], value, { name: one.key });
    return { element, read: () => element.value };
  }
  if (one.kind === "json") {
    const element = h("textarea", { ...common, rows: "4", class: "mono", spellcheck: "false" });
    element.value = value;
    return { element, read: () => element.value.trim() };
  }
  const types = { url: "url", integer: "number", number: "number", duration: "number" };
  const element = h("input", {
    ...common,
    type: types[one.kind] ?? "text",
    step: one.kind === "integer" ? "1" : types[one.kind] === "number" ? "any" : undefined,
    inputmode: one.kind === "url" ? "url" : undefined,
    list: one.kind === "list" && one.options.length ? newId("list") : undefined,
    autocomplete: "off",
    value,
  });
  const extra =
    element.getAttribute("list") &&
    h(
      "datalist",
      { id: element.getAttribute("list") },
      one.options.map((word) => h("option", { value: word })),
    );
  return { element, extra: extra || undefined, read: () => element.value.trim() };
}
