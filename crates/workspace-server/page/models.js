// Models: the catalogue of the workspace, and which of it the workspace may use.

import { catalogueOf, failedNotice, modelLine, perMillion, searchControls, searched } from "./catalogue.js";
import { announce, button, dialog, h, oncePerFrame } from "./dom.js";
import { errorBox, loadInto } from "./errors.js";
import { count, day, tokens } from "./format.js";
import { drafts } from "./keep.js";
import { t } from "./texts.js";

export function modelsView({ api, session, may, go }) {
  const controls = h("div");
  const notice = h("div");
  const list = h("ul", { class: "models" });
  const total = h("p", { class: "total", role: "status" });
  const box = h("div");
  const search = drafts.get(session.workspace, "models", {});
  let models = [];
  const reload = button(t("reload"), () => refresh(true), { class: "plain small" });
  const element = h(
    "div",
    { class: "view" },
    h("div", { class: "head" }, h("h1", {}, t("nav.models")), h("p", { class: "lead" }, t("models.lead"))),
    box,
  );

  const draw = oncePerFrame(() => {
    const found = searched(models, search);
    list.replaceChildren(...found.map(row));
    total.textContent = t("models.count", { n: count(found.length), all: count(models.length) });
    if (!found.length) {
      const clear = button(t("models.clear"), () => {
        for (const name of Object.keys(search)) delete search[name];
        drawControls();
        draw();
      });
      list.append(h("li", { class: "empty" }, h("p", {}, t("models.none")), clear));
    }
  });

  function drawControls() {
    controls.replaceChildren(
      searchControls(search, models, () => {
        drafts.set(session.workspace, "models", search);
        draw();
      }),
    );
  }

  function refresh(fresh) {
    return loadInto(box, async () => {
      const found = await catalogueOf(session, api, { fresh });
      models = found.models;
      notice.replaceChildren(...[failedNotice(found.failed)].filter(Boolean));
      drawControls();
      draw();
      if (!models.length && !found.failed.length) {
        return h(
          "div",
          { class: "empty" },
          h("p", {}, t("models.empty")),
          button(t("nav.providers"), () => go("/providers"), { class: "primary" }),
        );
      }
      return [controls, notice, h("div", { class: "list-head" }, total, reload), list];
    });
  }

  function row(model) {
    const enable = h("input", {
      type: "checkbox",
      role: "switch",
      checked: model.enabled,
      disabled: !may("admin"),
      "aria-label": t("models.enable", { name: model.name }),
    });
    enable.addEventListener("change", () => setEnabled(model, enable));
    return h(
      "li",
      { class: "model" },
      modelLine(model),
      h(
        "div",
        { class: "model-actions" },
        button(t("details"), () => details(model), {
          class: "plain small",
          "aria-label": t("models.details", { name: model.name }),
        }),
        enable,
      ),
    );
  }

  async function setEnabled(model, enable) {
    const wanted = enable.checked;
    enable.disabled = true;
    try {
      const instance = (await api.providers()).find((one) => one.id === model.provider);
      const mine = models.filter((one) => one.provider === model.provider);
      const before = instance.enabled_models ?? mine.map((one) => one.id);
      const after = wanted ? [...new Set([...before, model.id])] : before.filter((id) => id !== model.id);
      const isAll = mine.every((one) => after.includes(one.id));
      await api.changeProvider(instance, { enabled_models: isAll ? null : after });
      model.enabled = wanted;
      announce(t(wanted ? "models.enabled.done" : "models.disabled.done", { name: model.name }));
    } catch (error) {
      enable.checked = !wanted;
      notice.replaceChildren(errorBox(error));
    } finally {
      enable.disabled = false;
    }
  }

  function details(model) {
    dialog(
      model.name,
      h(
        "div",
        { class: "stack" },
        h("code", {}, model.id),
        model.description && h("p", {}, model.description),
        h(
          "dl",
          { class: "facts" },
          [
            [t("models.context"), tokens(model.context)],
            [t("models.output"), tokens(model.maxOutput)],
            [t("models.in"), perMillion(model.priceIn)],
            [t("models.out"), perMillion(model.priceOut)],
            [t("models.inputs"), model.inputs.join(", ") || "–"],
            [t("models.outputs"), model.outputs.join(", ") || "–"],
            [t("models.parameters"), model.parameters.join(", ") || "–"],
            ...(model.deprecation ? [[t("models.ends.label"), day(model.deprecation.date)]] : []),
          ].map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
        ),
        may("member") &&
          h(
            "footer",
            { class: "actions" },
            button(
              t("models.use"),
              () => {
                document.querySelector("dialog")?.close();
                drafts.set(session.workspace, "use", model.reference);
                go("/run");
              },
              { class: "primary" },
            ),
          ),
      ),
      { wide: true, closeLabel: t("close") },
    );
  }

  return { element, shown: () => refresh(false) };
}
