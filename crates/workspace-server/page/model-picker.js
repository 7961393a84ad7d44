// The model selector of an agent node: a button that opens a search of the enabled models.

import {
  catalogueOf,
  failedNotice,
  findModel,
  modelLine,
  presetIn,
  presetsOf,
  searchControls,
  searched,
} from "./catalogue.js";
import { button, dialog, goLink, h, newId, oncePerFrame, rowsOnDemand } from "./dom.js";
import { loadInto } from "./errors.js";
import { t } from "./texts.js";

/**
 * Opens the search. `onpick` is called with the reference that was chosen. With `chosen`, a list of
 * references, several can be picked: the search stays open, `onpick` is called for each change, and returns
 * the new list.
 */
export function pickModel({ api, session, onpick, onclose, chosen, most = Number.POSITIVE_INFINITY }) {
  const box = h("div", { class: "stack" });
  const list = h("ul", {
    class: "models picker",
    role: "listbox",
    id: newId("models"),
    "aria-label": t("nav.models"),
    tabindex: "-1",
  });
  const open = dialog(t("picker.title"), box, { wide: true, closeLabel: t("close"), onclose });
  const search = { enabled: "true" };
  /** The rows: models that fit the search, and the text itself where it may be the id of another one. */
  let shown = [];
  /** The text that the rows are for. */
  let drawn = null;
  let active = 0;
  let drawTo = () => {};
  const none = h("div", { class: "empty", hidden: true });
  const count = h("span", { class: "total", role: "status" });
  const isChosen = (reference) => chosen?.includes(reference) ?? false;

  const choose = (reference) => {
    if (!chosen) {
      open.close();
      onpick(reference);
      return;
    }
    if (!isChosen(reference) && chosen.length >= most) {
      count.textContent = t("picker.full", { most });
      return;
    }
    chosen = onpick(reference);
    drawChosen();
  };
  const drawChosen = () => {
    if (!chosen) return;
    count.textContent = t("picker.count", { n: chosen.length, most });
    [...list.children].forEach((row, index) => {
      if (!shown[index]) return;
      row.classList.toggle("chosen", isChosen(shown[index].reference));
      row.setAttribute("aria-checked", String(isChosen(shown[index].reference)));
    });
  };
  const mark = (at) => {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = Math.max(0, Math.min(at, shown.length - 1));
    drawTo(active);
    const row = list.children[active];
    row?.setAttribute("aria-selected", "true");
    row?.scrollIntoView({ block: "nearest" });
    box.querySelector("input")?.setAttribute("aria-activedescendant", row?.id ?? "");
  };

  /** A model that no catalogue lists: its provider is asked for it by its name. */
  function unlisted(text, instances, models) {
    const isId = /[/:@]/.test(text) || !models.length;
    const isKnown = models.some((one) => one.reference === text || one.id === text);
    if (!text || !isId || isKnown) return [];
    const isNamed = instances.some((one) => text.startsWith(`${one.id}:`));
    const ids = isNamed || !instances.length ? [text] : instances.map((one) => `${one.id}:${text}`);
    return ids.map((reference) => ({ reference, isUnlisted: true }));
  }

  const row = (model) =>
    h(
      "li",
      {
        class: isChosen(model.reference) ? "model chosen" : "model",
        role: "option",
        "aria-selected": "false",
        "aria-checked": chosen && String(isChosen(model.reference)),
        id: newId("model"),
        onclick: () => choose(model.reference),
      },
      model.isUnlisted
        ? h(
            "div",
            { class: "model-name wide" },
            h("span", { class: "name" }, t("picker.try", { id: model.reference })),
            h("span", { class: "help" }, t("picker.try.help")),
          )
        : modelLine(model),
    );

  loadInto(box, async () => {
    const [{ models: listed, failed }, instances, presets] = await Promise.all([
      catalogueOf(session, api),
      api.providers().catch(() => []),
      presetsOf(session, api).catch(() => []),
    ]);
    const models = [...listed, ...presets];
    const redraw = () => {
      const found = searched(models, search);
      drawn = search.text ?? "";
      shown = [...found, ...unlisted(drawn.trim(), instances, found)];
      drawTo = rowsOnDemand(list, shown, row);
      none.hidden = found.length > 0;
      list.hidden = !shown.length;
      mark(0);
    };
    none.replaceChildren(h("p", {}, t("models.none")));
    const draw = oncePerFrame(redraw);
    const controls = searchControls(search, models, draw, { compact: true });
    const input = controls.querySelector("input");
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-expanded", "true");
    input.setAttribute("aria-controls", list.id);
    input.addEventListener("keydown", (event) => {
      // The browser would take the first Escape to empty the search.
      if (event.key === "Escape" && !event.isComposing) {
        event.preventDefault();
        return open.close();
      }
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
      if (!(event.key in steps) && event.key !== "Enter") return;
      if (event.isComposing) return;
      event.preventDefault();
      // The rows are drawn with the next frame, and a key may come before it.
      if (input.value !== drawn) {
        search.text = input.value;
        redraw();
      }
      if (event.key in steps) mark(active + steps[event.key]);
      else if (shown[active]) choose(shown[active].reference);
    });
    redraw();
    setTimeout(() => input.focus());
    drawChosen();
    const end =
      chosen &&
      h(
        "div",
        { class: "actions" },
        count,
        button(t("done"), () => open.close(), { class: "primary", data: { done: "" } }),
      );
    if (!listed.length && !failed.length) {
      return h(
        "div",
        { class: "empty" },
        h("p", {}, t("models.empty")),
        goLink("/providers", t("nav.providers")),
      );
    }
    return [controls, failedNotice(failed), none, list, end];
  });
}

/** A button that shows the chosen model, and opens the search. */
export function modelButton({ api, session, value, onpick }) {
  const element = button(
    "",
    () => pickModel({ api, session, onpick: (reference) => (set(reference), onpick(reference)) }),
    {
      class: "model-button",
      "aria-haspopup": "dialog",
    },
  );
  const set = (reference) => {
    element.replaceChildren(
      h("span", {}, reference || t("picker.choose")),
      h("span", { class: "chevron", "aria-hidden": "true" }, "▾"),
    );
    element.classList.toggle("unset", !reference);
    element.setAttribute(
      "aria-label",
      reference ? t("picker.chosen", { model: reference }) : t("picker.choose"),
    );
  };
  set(value);
  return { element, set };
}

/** The model of a reference, or none while the catalogue is away: the form then offers everything. */
export async function modelOf(session, api, reference) {
  if (!reference) return null;
  try {
    const { models } = await catalogueOf(session, api);
    const found = findModel(models, reference);
    if (found) return found;
    // A preset behind an id leaves the abilities of the model.
    const preset = presetIn(await presetsOf(session, api), reference);
    return (preset && findModel(models, reference.slice(0, -preset.id.length))) ?? null;
  } catch {
    return null;
  }
}
