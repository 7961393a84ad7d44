// Models: the catalogue of the workspace, and which of it the workspace may use.

import { catalogueOf, failedNotice, modelLine, perMillion, searchControls, searched } from "./catalogue.js";
import { announce, button, dialog, h, oncePerFrame, rowsOnDemand } from "./dom.js";
import { errorBox, loadInto } from "./errors.js";
import { count, day, milliseconds, tokens } from "./format.js";
import { drafts } from "./keep.js";
import { t } from "./texts.js";

export function modelsView({ api, session, may, go }) {
  const controls = h("div");
  const notice = h("div");
  const list = h("ul", { class: "models" });
  const total = h("p", { class: "total", role: "status" });
  const box = h("div");
  let search = drafts.get(session.workspace, "models", {});
  let models = [];
  let shown = [];
  const bulk = h("span", { class: "bulk" });
  const reload = button(t("reload"), () => refresh(true), { class: "plain small" });
  const element = h(
    "div",
    { class: "view" },
    h("div", { class: "head" }, h("h1", {}, t("nav.models")), h("p", { class: "lead" }, t("models.lead"))),
    box,
  );

  const draw = oncePerFrame(() => {
    const found = searched(models, search);
    shown = found;
    rowsOnDemand(list, found, row);
    drawBulk();
    total.textContent =
      found.length === models.length
        ? t("models.count", { n: count(models.length) })
        : t("models.count.part", { n: count(found.length), all: count(models.length) });
    if (!found.length) {
      const clear = button(t("models.clear"), () => {
        for (const name of Object.keys(search)) delete search[name];
        drafts.set(session.workspace, "models", search);
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
      return [controls, notice, h("div", { class: "list-head" }, total, bulk, reload), list];
    });
  }

  function row(model) {
    const enable = h("input", {
      type: "checkbox",
      role: "switch",
      checked: model.enabled,
      disabled: !may("admin"),
      data: { model: model.reference },
      "aria-label": t("models.enable", { name: model.name }),
    });
    enable.addEventListener("change", () => {
      enable.setAttribute("aria-busy", "true");
      void setEnabled([model], enable.checked);
    });
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

  /** Those that the search leaves can be enabled together, once there is a search. */
  function drawBulk() {
    const isPart = shown.length > 0 && shown.length < models.length;
    bulk.replaceChildren(
      ...(may("admin") && isPart
        ? [
            button(t("models.enable.all", { n: count(shown.length) }), () => setEnabled(shown, true), {
              class: "plain small",
            }),
            button(t("models.disable.all", { n: count(shown.length) }), () => setEnabled(shown, false), {
              class: "plain small",
            }),
          ]
        : []),
    );
  }

  /** Changes go out one after the other: each names the revision that the one before has made. */
  let changes = Promise.resolve();
  function setEnabled(chosen, wanted) {
    changes = changes.then(() => change(chosen, wanted));
    return changes;
  }

  async function change(chosen, wanted) {
    notice.replaceChildren();
    try {
      const instances = await api.providers();
      for (const id of new Set(chosen.map((one) => one.provider))) {
        const instance = instances.find((one) => one.id === id);
        const mine = models.filter((one) => one.provider === id);
        const after = new Set(instance.enabled_models ?? mine.map((one) => one.id));
        for (const one of chosen) {
          if (one.provider !== id) continue;
          if (wanted) after.add(one.id);
          else after.delete(one.id);
        }
        // With all of them enabled, those that come later are enabled as well.
        const isAll = mine.every((one) => after.has(one.id));
        await api.changeProvider(instance, { enabled_models: isAll ? null : [...after] });
        for (const one of mine) one.enabled = isAll || after.has(one.id);
      }
      announce(
        chosen.length === 1
          ? t(wanted ? "models.enabled.done" : "models.disabled.done", { name: chosen[0].name })
          : t(wanted ? "models.enabled.all" : "models.disabled.all", { n: count(chosen.length) }),
      );
    } catch (error) {
      notice.replaceChildren(errorBox(error));
    } finally {
      for (const one of list.querySelectorAll("input[role=switch]")) {
        const model = models.find(({ reference }) => reference === one.dataset.model);
        if (model) one.checked = model.enabled;
        one.removeAttribute("aria-busy");
      }
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
        endpointsOf(model),
        may("member") &&
          h(
            "footer",
            { class: "actions" },
            button(t("models.compare"), () => {
              document.querySelector("dialog")?.close();
              drafts.set(session.workspace, "compare.add", model.reference);
              go("/compare");
            }),
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

  /** The endpoints of a model, with prices, uptime and speed. Nothing is shown where they are not told. */
  function endpointsOf(model) {
    const box = h("section", { class: "endpoints" });
    loadInto(box, async () => {
      const found = await api.endpoints(model.reference);
      if (!found?.length) return null;
      const known = (value, text) => ((value ?? null) === null ? "–" : text(value));
      const columns = {
        provider: (one) => [
          one.provider,
          one.quantization && [" ", h("span", { class: "badge" }, one.quantization)],
        ],
        uptime: (one) =>
          known(one.uptime_last_30m ?? one.uptime_last_1d, (share) =>
            t("endpoint.percent", { n: share.toFixed(1) }),
          ),
        latency: (one) => known(one.latency_p50_ms, milliseconds),
        speed: (one) =>
          known(one.tokens_per_second_p50, (n) => t("figure.per.second", { n: count(Math.round(n)) })),
        in: (one) => perMillion(one.prices.prompt_per_million),
        out: (one) => perMillion(one.prices.completion_per_million),
        context: (one) => tokens(one.context_length),
      };
      const names = Object.keys(columns);
      const kind = (name) => (name === "provider" ? undefined : "number");
      return [
        h("h3", {}, t("endpoint.title")),
        h(
          "div",
          { class: "scroll", tabindex: "0", role: "group", "aria-label": t("endpoint.title") },
          h(
            "table",
            {},
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                names.map((name) => h("th", { scope: "col", class: kind(name) }, t(`endpoint.${name}`))),
              ),
            ),
            h(
              "tbody",
              {},
              found.map((one) =>
                h(
                  "tr",
                  {},
                  names.map((name) => h("td", { class: kind(name) }, columns[name](one))),
                ),
              ),
            ),
          ),
        ),
        h("p", { class: "help" }, t("endpoint.help")),
      ];
    });
    return box;
  }

  return {
    element,
    shown() {
      // Another view may have said what to search for.
      search = drafts.get(session.workspace, "models", {});
      return refresh(false);
    },
  };
}
