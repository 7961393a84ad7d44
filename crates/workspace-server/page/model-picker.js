// The model selector of an agent node: a button that opens a search of the enabled models.

import { catalogueOf, failedNotice, findModel, modelLine, searchControls, searched } from "./catalogue.js";
import { button, dialog, h, newId, oncePerFrame } from "./dom.js";
import { loadInto } from "./errors.js";
import { t } from "./texts.js";

/** So many rows are drawn in the dialog; more are found by typing. */
const SHOWN = 100;

/** Opens the search. `onpick` is called with the reference that was chosen. */
export function pickModel({ api, session, onpick }) {
  const box = h("div", { class: "stack" });
  const list = h("ul", {
    class: "models picker",
    role: "listbox",
    id: newId("models"),
    "aria-label": t("nav.models"),
    tabindex: "-1",
  });
  const open = dialog(t("picker.title"), box, { wide: true, closeLabel: t("close") });
  const search = { enabled: "true" };
  let shown = [];
  let active = 0;

  const choose = (reference) => {
    open.close();
    onpick(reference);
  };
  const mark = (at) => {
    active = Math.max(0, Math.min(at, shown.length - 1));
    [...list.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === active)));
    const row = list.children[active];
    row?.scrollIntoView({ block: "nearest" });
    box.querySelector("input")?.setAttribute("aria-activedescendant", row?.id ?? "");
  };

  loadInto(box, async () => {
    const { models, failed } = await catalogueOf(session, api);
    const draw = oncePerFrame(() => {
      shown = searched(models, search).slice(0, SHOWN);
      list.replaceChildren(
        ...shown.map((model) =>
          h(
            "li",
            { class: "model", role: "option", id: newId("model"), onclick: () => choose(model.reference) },
            modelLine(model),
          ),
        ),
      );
      const text = (search.text ?? "").trim();
      if (text && !shown.length) {
        list.append(
          h(
            "li",
            { class: "empty", role: "presentation" },
            h("p", {}, t("models.none")),
            button(t("picker.try", { id: text }), () => choose(text)),
          ),
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
    return [controls, failedNotice(failed), list];
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
