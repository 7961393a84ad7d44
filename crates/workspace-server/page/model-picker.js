// The model selector of an agent node: a button that opens a search of the enabled models.

import { catalogueOf, failedNotice, findModel, modelLine, searchControls, searched } from "./catalogue.js";
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
  let shown = [];
  let active = 0;
  let draw = () => {};
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
    if (!isChosen(reference) && chosen.length >= most) return;
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
    active = Math.max(0, Math.min(at, shown.length - 1));
    drawTo(active);
    [...list.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === active)));
    const row = list.children[active];
    row?.scrollIntoView({ block: "nearest" });
    box.querySelector("input")?.setAttribute("aria-activedescendant", row?.id ?? "");
  };

  loadInto(box, async () => {
    const [{ models, failed }, instances] = await Promise.all([
      catalogueOf(session, api),
      api.providers().catch(() => []),
    ]);
    draw = oncePerFrame(() => {
      shown = searched(models, search);
      drawTo = rowsOnDemand(list, shown, (model) =>
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
          modelLine(model),
        ),
      );
      none.hidden = shown.length > 0;
      list.hidden = !shown.length;
      none.replaceChildren(h("p", {}, t("models.none")));
      const text = (search.text ?? "").trim();
      if (text && !shown.length) {
        // An id that no catalogue lists is asked of a provider by its name.
        const isNamed = instances.some((one) => text.startsWith(`${one.id}:`));
        const ids = isNamed || !instances.length ? [text] : instances.map((one) => `${one.id}:${text}`);
        none.replaceChildren(
          h("p", {}, t("models.none")),
          ...ids.map((id) => button(t("picker.try", { id }), () => choose(id))),
        );
      }
      mark(0);
    });
    const controls = searchControls(search, models, draw, { compact: true });
    const input = controls.querySelector("input");
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-expanded", "true");
    input.setAttribute("aria-controls", list.id);
    input.addEventListener("keydown", (event) => {
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
      if (event.key in steps) {
        event.preventDefault();
        mark(active + steps[event.key]);
      } else if (event.key === "Enter" && shown[active]) {
        event.preventDefault();
        choose(shown[active].reference);
      }
    });
    draw();
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
    if (!models.length && !failed.length) {
      return h(
        "div",
        { class: "empty" },
        h("p", {}, t("models.empty")),
        goLink("/providers", t("nav.providers")),
      );
    }
    return [controls, failedNotice(failed), list, none, end];
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
    return findModel((await catalogueOf(session, api)).models, reference) ?? null;
  } catch {
    return null;
  }
}
