// Costs and history: spending by day and model, budgets, runs, and the audit log for owners.

import { catalogueOf } from "./catalogue.js";
import { button, dialog, field, goLink, h, newId, select } from "./dom.js";
import { errorBox, loadInto, titleOf } from "./errors.js";
import { count, milliseconds, sum, tokensOf, usd, when } from "./format.js";
import { drafts } from "./keep.js";
import { spendPlot } from "./plot.js";
import { showRun } from "./run-details.js";
import { t } from "./texts.js";
import { problemText } from "./words.js";

/** The spans to choose from, in days. */
const SPANS = [1, 7, 14, 30, 90];
const NUMBERS = new Set(["tokens", "first", "total", "cost"]);
/** The rows of a page of the table. */
const ROWS = 50;

export function costsView({ api, session, may }) {
  const plot = h("div", { class: "plot-place" });
  const budgets = h("div", { class: "cards" });
  const runs = h("div", { class: "stack" });
  const audit = h("div");
  const filter = drafts.get(session.workspace, "runs", {});
  filter.days ??= "14";
  const span = select(
    SPANS.map((days) => [String(days), t(days === 1 ? "costs.today" : "costs.days", { n: days })]),
    filter.days,
    { "aria-label": t("costs.span"), class: "span" },
  );
  span.addEventListener("change", () => {
    filter.days = span.value;
    drafts.set(session.workspace, "runs", filter);
    drawPlot();
    drawRuns();
  });
  const element = h(
    "div",
    { class: "view" },
    h("div", { class: "head row" }, h("h1", {}, t("nav.costs")), span),
    h("section", {}, h("h2", {}, t("costs.spend")), plot),
    h(
      "section",
      { class: "budgets" },
      h(
        "div",
        { class: "head row" },
        h("h2", {}, t("costs.budgets")),
        may("admin") && button(t("costs.budget.add"), () => budgetForm()),
      ),
      budgets,
    ),
    h("section", {}, h("h2", {}, t("costs.runs")), filters(), runs),
    may("owner") &&
      h(
        "section",
        {},
        h(
          "details",
          { class: "group", ontoggle: (event) => event.currentTarget.open && drawAudit() },
          h("summary", {}, t("costs.audit")),
          audit,
        ),
      ),
  );

  /** The first day of the span, `2026-11-29`, and its beginning for this browser. */
  function begin() {
    const at = new Date();
    at.setHours(0, 0, 0, 0);
    at.setDate(at.getDate() - (Number(filter.days) - 1));
    // Sweden writes dates as ISO 8601 does.
    return { day: at.toLocaleDateString("sv-SE"), ms: at.getTime() };
  }

  function filters() {
    const change = (name, control) => {
      filter[name] = control.value.trim();
      drafts.set(session.workspace, "runs", filter);
      drawRuns();
    };
    const input = (name, list) => {
      const control = h("input", {
        type: "search",
        value: filter[name] ?? "",
        placeholder: t(`runs.${name}`),
        "aria-label": t(`runs.${name}`),
        list,
      });
      control.addEventListener("change", () => change(name, control));
      return control;
    };
    const pick = (name, options) => {
      const control = select(options, filter[name], { "aria-label": t(`runs.${name}`) });
      control.addEventListener("change", () => change(name, control));
      return control;
    };
    const models = h("datalist", { id: newId("models") });
    const provider = pick("provider", [["", t("models.provider.any")]]);
    Promise.all([api.providers(), catalogueOf(session, api)])
      .then(([instances, catalogue]) => {
        provider.append(...instances.map(({ id }) => h("option", { value: id }, id)));
        provider.value = filter.provider ?? "";
        const ids = [...new Set(catalogue.models.map(({ id }) => id))];
        models.append(...ids.map((id) => h("option", { value: id })));
      })
      .catch(() => {});
    const status = pick("failed", [
      ["", t("runs.all")],
      ["false", t("runs.ok")],
      ["true", t("runs.failed")],
    ]);
    return h(
      "div",
      { class: "search-row wrap" },
      provider,
      input("model", models.id),
      models,
      status,
      input("node"),
      input("user"),
    );
  }

  const drawPlot = () =>
    loadInto(plot, async () => {
      const report = await api.runDays(begin().day);
      const totals = report.days.map((day) => day.totals);
      const all = (name) => totals.reduce((total, one) => total + one[name], 0);
      return [
        h(
          "p",
          { class: "spent", role: "status" },
          h("strong", {}, usd(sum(totals.map((one) => one.cost)))),
          " ",
          h(
            "span",
            { class: "help" },
            t("runs.count", { n: count(all("runs")), failed: count(all("failed")) }),
          ),
        ),
        all("cost_unknown") > 0 &&
          h("p", { class: "help" }, t("costs.unknown", { n: count(all("cost_unknown")) })),
        spendPlot(report),
      ];
    });

  const drawBudgets = () =>
    loadInto(budgets, async () => {
      const found = await api.budgets();
      return found.length ? found.map(budgetCard) : h("p", { class: "empty" }, t("costs.budgets.none"));
    });

  function budgetCard(budget) {
    const number = (amount) => Number(amount?.usd ?? amount?.requests ?? 0);
    const text = (amount) =>
      amount?.usd !== undefined ? usd(amount.usd) : t("costs.requests", { n: count(amount?.requests ?? 0) });
    const [spent, reserved, limit] = [budget.spent, budget.reserved, budget.limit].map(number);
    const share = limit ? Math.min(1, (spent + reserved) / limit) : 1;
    const scope = scopeOf(budget);
    return h(
      "article",
      { class: "card", "aria-label": scope },
      h("header", {}, h("h3", {}, scope), h("span", { class: "badge" }, t(`period.${budget.period}`))),
      h("meter", {
        min: "0",
        max: "1",
        high: "0.8",
        optimum: "0",
        value: share,
        "aria-label": t("costs.spent"),
      }),
      h(
        "dl",
        { class: "facts" },
        h("dt", {}, t("costs.left")),
        h(
          "dd",
          {},
          h("strong", {}, text(budget.left)),
          share >= 1 && [" ", h("span", { class: "badge bad" }, t("costs.out"))],
        ),
        h("dt", {}, t("costs.spent")),
        h("dd", {}, t("costs.of", { spent: text(budget.spent), limit: text(budget.limit) })),
        reserved > 0 && [h("dt", {}, t("costs.reserved")), h("dd", {}, text(budget.reserved))],
        budget.resets && [h("dt", {}, t("costs.resets")), h("dd", {}, when(budget.resets))],
      ),
      may("admin") &&
        h(
          "footer",
          {},
          button(t("costs.budget.change"), () => budgetForm(budget), {
            "aria-label": t("costs.budget.change.one", { name: scope }),
          }),
          button(
            t("remove"),
            async () => {
              await api.removeBudget(budget).catch((error) => budgets.prepend(errorBox(error)));
              drawBudgets();
            },
            { class: "plain danger", "aria-label": t("providers.remove.one", { name: scope }) },
          ),
        ),
    );
  }

  const scopeOf = (budget) =>
    budget.scope?.id
      ? `${t(`scope.${budget.scope.scope}`)} ${budget.scope.id}`
      : t(`scope.${budget.scope?.scope ?? "workspace"}`);

  /** The form of a new budget, or of another limit for one. */
  function budgetForm(budget) {
    const scope = select(
      ["workspace", "node", "user", "token"].map((name) => [name, t(`scope.${name}`)]),
      "workspace",
    );
    const id = h("input", { autocomplete: "off" });
    const unit = select(
      [
        ["usd", "USD"],
        ["requests", t("costs.unit.requests")],
      ],
      budget?.limit.requests !== undefined ? "requests" : "usd",
    );
    const limit = h("input", {
      inputmode: "decimal",
      required: true,
      placeholder: "10",
      value: budget ? String(budget.limit.usd ?? budget.limit.requests) : "",
    });
    const period = select(
      ["day", "week", "month", "total"].map((name) => [name, t(`period.${name}`)]),
      "month",
    );
    const boxes = {
      scope: field(t("costs.scope"), scope),
      id: field(t("costs.scope.id"), id),
      limit: field(t("costs.limit"), limit, { required: true }),
      unit: field(t("costs.unit"), unit),
      period: field(t("costs.period"), period),
    };
    const toggle = () => (boxes.id.hidden = scope.value === "workspace");
    scope.addEventListener("change", toggle);
    toggle();
    const failure = h("div");
    const save = async (event) => {
      event?.preventDefault();
      for (const one of Object.values(boxes)) one.setProblem(null);
      failure.replaceChildren();
      const amount = limit.value.trim();
      const isNumber = /^\d+(\.\d+)?$/.test(amount);
      if (!isNumber) boxes.limit.setProblem(t("costs.limit.number"));
      const needsId = !budget && scope.value !== "workspace" && !id.value.trim();
      if (needsId) boxes.id.setProblem(t("costs.scope.id.empty"));
      if (!isNumber) limit.focus();
      else if (needsId) id.focus();
      if (!isNumber || needsId) return;
      const wanted = unit.value === "usd" ? { usd: amount } : { requests: Math.round(Number(amount)) };
      const of =
        scope.value === "workspace" ? { scope: "workspace" } : { scope: scope.value, id: id.value.trim() };
      try {
        if (budget) await api.changeBudget(budget, wanted);
        else await api.addBudget({ scope: of, limit: wanted, period: period.value });
        box.close();
        drawBudgets();
      } catch (error) {
        const rest = (error.problems ?? []).filter((one) => {
          const place = boxes[one.field.split(".")[0]];
          place?.setProblem(problemText(one.problem));
          return !place;
        });
        if (rest.length || !error.problems?.length) failure.replaceChildren(errorBox(error));
      }
    };
    const shown = budget ? [boxes.limit] : Object.values(boxes);
    const box = dialog(
      budget ? t("costs.budget.change.one", { name: scopeOf(budget) }) : t("costs.budget.add"),
      h(
        "form",
        { class: "stack", onsubmit: save, novalidate: true },
        h("div", { class: "fields" }, shown),
        failure,
        h("footer", { class: "actions" }, h("button", { class: "primary" }, t("save"))),
      ),
      { closeLabel: t("close") },
    );
  }

  const isFiltered = () => ["provider", "model", "failed", "node", "user"].some((name) => filter[name]);

  const drawRuns = () =>
    loadInto(runs, async () => {
      const { days: _, ...conditions } = filter;
      const asked = { ...conditions, from_ms: begin().ms };
      const first = await api.runs(asked, null, ROWS);
      if (!first.runs.length) {
        return h(
          "div",
          { class: "empty" },
          h("p", {}, t(isFiltered() ? "runs.none.filtered" : "runs.none")),
          !isFiltered() && may("member") && goLink("/run", t("nav.run")),
        );
      }
      const rows = h("tbody", {}, first.runs.map(runRow));
      let next = first.next;
      const failure = h("div");
      const more = button(
        t("more"),
        async () => {
          try {
            const page = await api.runs(asked, next, ROWS);
            rows.append(...page.runs.map(runRow));
            next = page.next;
            more.hidden = !next;
            failure.replaceChildren();
          } catch (error) {
            failure.replaceChildren(errorBox(error));
          }
        },
        { hidden: !next },
      );
      const heads = ["when", "model", "tokens", "first", "total", "cost", "status"];
      return [
        h(
          "div",
          { class: "scroll", tabindex: "0", role: "group", "aria-label": t("costs.runs") },
          h(
            "table",
            { class: "runs" },
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                heads.map((name) =>
                  h(
                    "th",
                    { scope: "col", class: NUMBERS.has(name) ? "number" : undefined },
                    t(`runs.head.${name}`),
                  ),
                ),
              ),
            ),
            rows,
          ),
        ),
        failure,
        more,
      ];
    });

  function runRow(run) {
    return h(
      "tr",
      {},
      h(
        "td",
        {},
        button(when(run.started_ms), () => showRun(api, run.id, { may }), { class: "link" }),
      ),
      h("td", { class: "clip" }, run.served ?? run.requested),
      h("td", { class: "number" }, tokensOf(run)),
      h("td", { class: "number" }, milliseconds(run.first_output_ms)),
      h("td", { class: "number" }, milliseconds(run.total_ms)),
      h("td", { class: "number" }, usd(run.cost)),
      h(
        "td",
        {},
        run.error_kind
          ? h("span", { class: "badge bad" }, titleOf({ code: run.error_kind, kind: run.error_kind }))
          : h("span", { class: "badge good" }, t("runs.ok")),
      ),
    );
  }

  const drawAudit = () =>
    loadInto(audit, async () => {
      const first = await api.audit();
      const heads = ["when", "actor", "action", "subject", "detail", "origin"];
      const row = (entry) =>
        h(
          "tr",
          {},
          [
            when(entry.at),
            entry.actor,
            entry.action,
            `${entry.kind} ${entry.subject}`,
            entry.detail,
            entry.origin ?? "",
          ].map((value) => h("td", {}, value)),
        );
      const rows = h("tbody", {}, first.items.map(row));
      let { next } = first;
      const more = button(
        t("more"),
        async () => {
          const page = await api.audit(next);
          rows.append(...page.items.map(row));
          next = page.next;
          more.hidden = !next;
        },
        { hidden: !next },
      );
      return [
        h(
          "div",
          { class: "scroll", tabindex: "0", role: "group", "aria-label": t("costs.audit") },
          h(
            "table",
            {},
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                heads.map((name) => h("th", { scope: "col" }, t(`audit.${name}`))),
              ),
            ),
            rows,
          ),
        ),
        more,
      ];
    });

  return {
    element,
    shown() {
      drawPlot();
      drawBudgets();
      drawRuns();
    },
  };
}
