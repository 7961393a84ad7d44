// Costs and history: spending by day and model, budgets, runs, and the audit log for owners.

import { button, dialog, field, h, s, select } from "./dom.js";
import { errorBox, loadInto } from "./errors.js";
import { count, date, milliseconds, shortUsd, usd, when } from "./format.js";
import { drafts } from "./keep.js";
import { code } from "./markdown.js";
import { t } from "./texts.js";

/** The plot reads so many pages of runs at most, and says from when on it is complete. */
const PAGES = 20;
const DAYS = 14;
const NUMBERS = new Set(["tokens", "first", "total", "cost"]);
/** The rows of a page of the table. */
const ROWS = 50;
/** So many models have a colour of their own; the others are one. */
const COLOURS = 6;

export function costsView({ api, session, may }) {
  const plot = h("div");
  const budgets = h("div", { class: "cards" });
  const runs = h("div");
  const audit = h("div");
  const filter = drafts.get(session.workspace, "runs", {});
  const element = h(
    "div",
    { class: "view" },
    h("div", { class: "head" }, h("h1", {}, t("nav.costs"))),
    h("section", {}, h("h2", {}, t("costs.spend", { n: DAYS })), plot),
    h(
      "section",
      {},
      h(
        "div",
        { class: "head row" },
        h("h2", {}, t("costs.budgets")),
        may("admin") && button(t("costs.budget.add"), addBudget),
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

  function filters() {
    const change = (name) => (event) => {
      filter[name] = event.currentTarget.value.trim();
      drafts.set(session.workspace, "runs", filter);
      drawRuns();
    };
    const input = (name) =>
      h("input", {
        type: "search",
        value: filter[name] ?? "",
        placeholder: t(`runs.${name}`),
        "aria-label": t(`runs.${name}`),
        onchange: change(name),
      });
    const status = select(
      [
        ["", t("runs.all")],
        ["true", t("runs.failed")],
      ],
      filter.failed,
      { "aria-label": t("runs.status") },
    );
    status.addEventListener("change", change("failed"));
    return h("div", { class: "search-row wrap" }, ["provider", "model", "node", "user"].map(input), status);
  }

  const drawPlot = () =>
    loadInto(plot, async () => {
      const since = startOfDay(Date.now() - (DAYS - 1) * 86_400_000);
      const found = [];
      let cursor = null;
      let pages = 0;
      do {
        const page = await api.runs({}, cursor);
        found.push(...page.runs);
        cursor = page.next;
        pages += 1;
      } while (cursor && pages < PAGES && (found.at(-1)?.started_ms ?? Number.POSITIVE_INFINITY) >= since);
      return [
        spendPlot(
          found.filter((run) => run.started_ms >= since),
          since,
        ),
        cursor && h("p", { class: "help" }, t("costs.part", { n: count(found.length) })),
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
    const scope = budget.scope?.id
      ? `${t(`scope.${budget.scope.scope}`)} ${budget.scope.id}`
      : t(`scope.${budget.scope?.scope ?? "workspace"}`);
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
        h("dd", {}, h("strong", {}, text(budget.left))),
        h("dt", {}, t("costs.spent")),
        h("dd", {}, t("costs.of", { spent: text(budget.spent), limit: text(budget.limit) })),
        budget.resets && [h("dt", {}, t("costs.resets")), h("dd", {}, when(budget.resets))],
      ),
      may("admin") &&
        h(
          "footer",
          {},
          button(
            t("remove"),
            async () => {
              await api.removeBudget(budget).catch((error) => budgets.prepend(errorBox(error)));
              drawBudgets();
            },
            { class: "plain danger" },
          ),
        ),
    );
  }

  function addBudget() {
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
      "usd",
    );
    const limit = h("input", { inputmode: "decimal", required: true, placeholder: "10" });
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
      for (const box of Object.values(boxes)) box.setProblem(null);
      const amount = limit.value.trim();
      if (!/^\d+(\.\d+)?$/.test(amount)) return boxes.limit.setProblem(t("costs.limit.number"));
      try {
        await api.addBudget({
          scope:
            scope.value === "workspace"
              ? { scope: "workspace" }
              : { scope: scope.value, id: id.value.trim() },
          limit: unit.value === "usd" ? { usd: amount } : { requests: Math.round(Number(amount)) },
          period: period.value,
        });
        box.close();
        drawBudgets();
      } catch (error) {
        for (const problem of error.problems ?? [])
          boxes[problem.field.split(".")[0]]?.setProblem(problem.problem);
        failure.replaceChildren(errorBox(error));
      }
    };
    const box = dialog(
      t("costs.budget.add"),
      h(
        "form",
        { class: "stack", onsubmit: save, novalidate: true },
        h("div", { class: "fields" }, Object.values(boxes)),
        failure,
        h("footer", { class: "actions" }, h("button", { class: "primary" }, t("save"))),
      ),
      { closeLabel: t("close") },
    );
  }

  const drawRuns = () =>
    loadInto(runs, async () => {
      const [first, totals] = await Promise.all([api.runs(filter, null, ROWS), api.runTotals()]);
      if (!first.runs.length)
        return h(
          "p",
          { class: "empty" },
          t(Object.values(filter).some(Boolean) ? "runs.none.filtered" : "runs.none"),
        );
      const rows = h("tbody", {}, first.runs.map(runRow));
      let next = first.next;
      const more = button(
        t("more"),
        async () => {
          const page = await api.runs(filter, next, ROWS);
          rows.append(...page.runs.map(runRow));
          next = page.next;
          more.hidden = !next;
        },
        { hidden: !next },
      );
      const heads = ["when", "model", "tokens", "first", "total", "cost", "status"];
      return [
        h(
          "p",
          { class: "total" },
          t("runs.totals", {
            runs: count(totals.runs),
            failed: count(totals.failed),
            cost: usd(totals.cost),
          }),
        ),
        h(
          "div",
          { class: "scroll", tabindex: "0" },
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
        more,
      ];
    });

  function runRow(run) {
    const isFailed = Boolean(run.error_kind);
    return h(
      "tr",
      {},
      h(
        "td",
        {},
        button(when(run.started_ms), () => showRun(run), { class: "link" }),
      ),
      h("td", { class: "clip" }, run.served ?? run.requested),
      h("td", { class: "number" }, `${count(run.prompt_tokens)} + ${count(run.completion_tokens)}`),
      h("td", { class: "number" }, milliseconds(run.first_output_ms)),
      h("td", { class: "number" }, milliseconds(run.total_ms)),
      h("td", { class: "number" }, usd(run.cost)),
      h(
        "td",
        {},
        h("span", { class: isFailed ? "badge bad" : "badge good" }, isFailed ? run.error_kind : t("runs.ok")),
      ),
    );
  }

  function showRun(run) {
    const body = h("div");
    dialog(t("runs.one"), body, { wide: true, closeLabel: t("close") });
    loadInto(body, async () => {
      const [shown, content] = await Promise.all([api.run(run.id), api.runContent(run.id)]);
      const rows = Object.entries(shown).filter(([, value]) => value !== null && value !== "");
      return [
        shown.error && h("p", { class: "notice bad" }, shown.error),
        h(
          "dl",
          { class: "facts" },
          rows.map(([name, value]) => [
            h("dt", {}, name),
            h("dd", {}, typeof value === "object" ? JSON.stringify(value) : String(value)),
          ]),
        ),
        content
          ? [h("h3", {}, t("runs.content")), code(JSON.stringify(content, null, 2), "json")]
          : h("p", { class: "help" }, t("runs.content.none")),
      ];
    });
  }

  const drawAudit = () =>
    loadInto(audit, async () => {
      const found = await api.audit();
      const heads = ["when", "actor", "action", "subject", "detail", "origin"];
      return h(
        "div",
        { class: "scroll", tabindex: "0" },
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
          h(
            "tbody",
            {},
            found.map((entry) =>
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
              ),
            ),
          ),
        ),
      );
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

const startOfDay = (time) => new Date(time).setHours(0, 0, 0, 0);

/** Spending by day, stacked by model: an SVG, and the same as a table for those who read it otherwise. */
function spendPlot(runs, since) {
  const totals = new Map();
  for (const run of runs) totals.set(modelOf(run), (totals.get(modelOf(run)) ?? 0) + Number(run.cost ?? 0));
  const names = [...totals].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const shown = names.slice(0, COLOURS);
  const rest = names.length > COLOURS ? [t("costs.others")] : [];
  const days = Array.from({ length: DAYS }, (_, at) => startOfDay(since + at * 86_400_000 + 43_200_000));
  const sums = days.map(() => new Map());
  for (const run of runs) {
    const at = days.indexOf(startOfDay(date(run.started_ms)));
    const name = shown.includes(modelOf(run)) ? modelOf(run) : rest[0];
    if (at >= 0) sums[at].set(name, (sums[at].get(name) ?? 0) + Number(run.cost ?? 0));
  }
  const most = Math.max(...sums.map((sum) => [...sum.values()].reduce((a, b) => a + b, 0)));
  if (!(most > 0)) return h("p", { class: "empty" }, t("costs.none"));

  const [width, height, left, bottom] = [720, 220, 64, 24];
  const series = [...shown, ...rest];
  const step = (width - left) / DAYS;
  const short = new Intl.DateTimeFormat(document.documentElement.lang, { month: "numeric", day: "numeric" });
  const bars = days.flatMap((time, at) => {
    let top = height - bottom;
    return series.map((name, colour) => {
      const value = sums[at].get(name) ?? 0;
      const size = (value / most) * (height - bottom - 12);
      top -= size;
      if (!size) return null;
      const bar = s("rect", {
        x: left + at * step + step * 0.15,
        y: top,
        width: step * 0.7,
        height: Math.max(size, 1),
        class: `bar-${colour}`,
      });
      bar.append(s("title", {}, `${short.format(time)} · ${name}: ${usd(shortened(value))}`));
      return bar;
    });
  });
  const lines = [0, 0.5, 1].map((share) => {
    const y = height - bottom - share * (height - bottom - 12);
    return [
      s("line", { x1: left, x2: width, y1: y, y2: y, class: "grid" }),
      s("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, shortUsd(most * share)),
    ];
  });
  const labels = days.map((time, at) =>
    at % 2
      ? null
      : s(
          "text",
          { x: left + (at + 0.5) * step, y: height - 6, "text-anchor": "middle" },
          short.format(time),
        ),
  );
  return h(
    "figure",
    { class: "plot" },
    s(
      "svg",
      {
        viewBox: `0 0 ${width} ${height}`,
        role: "img",
        "aria-label": t("costs.plot", { total: shortUsd([...totals.values()].reduce((a, b) => a + b, 0)) }),
      },
      lines,
      bars,
      labels,
    ),
    h(
      "ul",
      { class: "legend" },
      series.map((name, colour) =>
        h(
          "li",
          {},
          s(
            "svg",
            { viewBox: "0 0 10 10", "aria-hidden": "true" },
            s("rect", { width: 10, height: 10, class: `bar-${colour}` }),
          ),
          h("span", {}, name),
          h(
            "span",
            { class: "help" },
            shortUsd(totals.get(name) ?? names.slice(COLOURS).reduce((sum, one) => sum + totals.get(one), 0)),
          ),
        ),
      ),
    ),
    h(
      "details",
      {},
      h("summary", {}, t("costs.table")),
      h(
        "div",
        { class: "scroll", tabindex: "0" },
        h(
          "table",
          {},
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              h("th", { scope: "col" }, t("costs.day")),
              series.map((name) => h("th", { scope: "col" }, name)),
            ),
          ),
          h(
            "tbody",
            {},
            days.map((time, at) =>
              h(
                "tr",
                {},
                h("th", { scope: "row" }, short.format(time)),
                series.map((name) => h("td", { class: "number" }, shortUsd(sums[at].get(name) ?? 0))),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

const modelOf = (run) => run.requested;
const shortened = (number) => Number(number.toPrecision(12));
