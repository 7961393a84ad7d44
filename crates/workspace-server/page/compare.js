// Compare: one question to up to eight models side by side.

import { answerOf, billOf, fail, figureRows, newAnswer, speedOf, take } from "./answer.js";
import { cellTalk } from "./compare-talk.js";
import { announce, button, dialog, download, field, h, oncePerFrame, select } from "./dom.js";
import { errorBox, loadInto, titleOf } from "./errors.js";
import { count, finishOf, milliseconds, sum, usd, when } from "./format.js";
import { drafts } from "./keep.js";
import { pickModel } from "./model-picker.js";
import { emptyNode, nodeForm, variablesOf } from "./node-form.js";
import { t } from "./texts.js";

const MOST = 8;
const last = Number.POSITIVE_INFINITY;
/** The columns of the table: what a cell is sorted by, and what is shown. The best of each is marked. */
const COLUMNS = {
  cost: { of: ({ answer }) => Number(answer.figures.cost ?? last), best: true },
  first: { of: ({ answer }) => answer.figures.first ?? last, best: true },
  total: { of: ({ answer }) => answer.figures.total ?? last, best: true },
  speed: { of: ({ answer }) => -(speedOf(answer) ?? -last), best: true },
  tokens: { of: ({ answer }) => answer.usage.completion_tokens ?? last },
  finish: { of: ({ answer }) => (answer.state === "failed" ? 1 : 0) },
};
const SHOWN = {
  cost: ({ answer }) => ((answer.figures.cost ?? null) === null ? "–" : usd(answer.figures.cost)),
  first: ({ answer }) => milliseconds(answer.figures.first),
  total: ({ answer }) => milliseconds(answer.figures.total),
  speed: ({ answer }) =>
    speedOf(answer) ? t("figure.per.second", { n: count(Math.round(speedOf(answer))) }) : "–",
  tokens: ({ answer }) => count(answer.usage.completion_tokens),
  finish: ({ answer }) => stateOf(answer),
};

export function compareView({ api, session, go }) {
  const workspace = session.workspace;
  const draft = drafts.get(workspace, "compare", { models: [], prompt: "" });
  const node = draft.node ?? { ...emptyNode(), id: "compare" };
  const variables = draft.variables ?? {};
  const keep = () => drafts.set(workspace, "compare", { ...draft, node, variables });
  let cells = [];
  let asked = "";
  let saved = null;
  let running = null;
  let order = null;

  const chips = h("ul", { class: "chips" });
  const prompt = h("textarea", { rows: "4", placeholder: t("compare.placeholder") });
  prompt.value = draft.prompt;
  prompt.addEventListener("input", () => ((draft.prompt = prompt.value), keep()));
  const promptBox = field(t("compare.prompt"), prompt, { wide: true });
  const problem = h("div");
  const start = button(t("compare.run"), () => void run(), { class: "primary" });
  const stop = button(t("run.stop"), () => running?.abort(), { class: "danger", hidden: true });
  const grid = h("div", { class: "cells" });
  const tools = h("div", { class: "actions", hidden: true });
  const progress = h("p", { class: "total", role: "status" });
  const table = h("div", { class: "scroll", tabindex: "0", hidden: true, "aria-label": t("compare.table") });
  const settings = nodeForm({ api, session, node, variables, onchange: keep, withModel: false });

  const element = h(
    "div",
    { class: "view" },
    h(
      "div",
      { class: "head row" },
      h("h1", {}, t("nav.compare")),
      button(t("compare.history"), history, { class: "plain" }),
    ),
    h(
      "section",
      { class: "card stack" },
      h(
        "div",
        { class: "field wide" },
        h("span", { class: "label" }, t("compare.models", { most: MOST })),
        chips,
      ),
      promptBox,
      h("details", { class: "group" }, h("summary", {}, t("node.title")), settings.element),
      problem,
      h("div", { class: "actions" }, stop, start),
    ),
    h("div", { class: "row" }, progress, tools),
    table,
    grid,
  );

  function drawChips() {
    const change = (models) => {
      draft.models = models;
      keep();
      drawChips();
      return models;
    };
    const add = button(
      t("compare.add"),
      () =>
        pickModel({
          api,
          session,
          chosen: draft.models,
          most: MOST,
          onpick: (model) =>
            change(
              draft.models.includes(model)
                ? draft.models.filter((one) => one !== model)
                : [...draft.models, model],
            ),
          onclose: () => chips.querySelector(".add").focus(),
        }),
      { class: "small add" },
    );
    chips.replaceChildren(
      ...draft.models.map((model) =>
        h(
          "li",
          { class: "chip" },
          h("span", {}, model),
          button(
            "×",
            () => {
              change(draft.models.filter((one) => one !== model));
              chips.querySelector(".add").focus();
            },
            { class: "plain icon", "aria-label": t("compare.remove", { model }) },
          ),
        ),
      ),
      h("li", {}, add),
    );
  }

  async function run() {
    if (running) return;
    promptBox.setProblem(prompt.value.trim() ? null : t("run.no.message"));
    if (!prompt.value.trim()) return prompt.focus();
    problem.replaceChildren();
    if (draft.models.length < 2)
      return problem.replaceChildren(h("p", { class: "notice bad", role: "alert" }, t("compare.few")));
    const names = variablesOf(node.config?.system_prompt);
    const missing = names.find((name) => !(name in variables));
    if (missing) {
      const box = settings.element.closest("details");
      box.open = true;
      box.querySelector(".variables input").focus();
      const text = t("run.no.variable", { name: missing });
      return problem.replaceChildren(h("p", { class: "notice bad", role: "alert" }, text));
    }
    asked = prompt.value;
    saved = null;
    draft.talks = {};
    order = null;
    for (const cell of cells) cell.talk.stop();
    cells = draft.models.map((model, index) => ({ index, model, answer: newAnswer(model) }));
    cells.forEach(setUp);
    drawGrid();
    const began = performance.now();
    const control = new AbortController();
    running = control;
    start.hidden = true;
    stop.hidden = false;
    tools.hidden = true;
    try {
      await api.compare(
        {
          models: draft.models,
          message: asked,
          node,
          variables: given(names),
          stream: true,
        },
        (event) => {
          const cell = cells[event.cell];
          if (cell) {
            take(cell.answer, event, performance.now() - began);
            cell.view.update();
          } else if (event.type === "error") {
            problem.replaceChildren(errorBox(event.error));
          }
          saved = event.comparison_id ?? saved;
          progressed();
        },
        control.signal,
      );
    } catch (error) {
      for (const cell of cells) {
        if (["waiting", "streaming"].includes(cell.answer.state))
          fail(cell.answer, error, performance.now() - began);
      }
      if (error.name !== "AbortError") problem.replaceChildren(errorBox(error));
    } finally {
      running = null;
      start.hidden = false;
      stop.hidden = true;
      for (const cell of cells) cell.view.draw();
      drawProgress();
      drawTools();
      announce(progress.textContent);
      draft.saved = saved ?? undefined;
      keep();
    }
  }

  /** The variables of the prompt, as the host takes them. */
  const given = (names) =>
    names.length ? Object.fromEntries(names.map((name) => [name, variables[name]])) : undefined;

  /** Gives a cell its view, and what comes behind its answer when it has called tools. */
  function setUp(cell) {
    const [question, comparison] = [asked, () => saved];
    cell.talk = cellTalk({
      api,
      session,
      model: cell.model,
      answer: cell.answer,
      ask: async () => ({
        question,
        node,
        variables: given(variablesOf(node.config?.system_prompt)),
        message: await messageOf(cell, comparison()),
      }),
      onconversation: (id) => {
        draft.talks = { ...draft.talks, [cell.index]: id };
        keep();
      },
      onopen: (id) => {
        drafts.set(workspace, "use", cell.model);
        drafts.set(workspace, "open", id);
        go("/run");
      },
    });
    cell.view = cell.talk.viewOf(cell.answer);
  }

  /** The whole answer of a cell as the report has it: a service may want back more of it than is shown. */
  async function messageOf(cell, comparison) {
    if (comparison && !cell.message) {
      const found = await api.comparison(comparison);
      cell.message = (found.report ?? found).cells?.[cell.index]?.response?.message;
    }
    const { text, calls } = cell.answer;
    const shown = calls.map(({ id, name, arguments: sent }) => ({ id, name, arguments: sent }));
    return cell.message ?? { text, tool_calls: shown };
  }

  function drawProgress() {
    const over = cells.filter((cell) => !["waiting", "streaming"].includes(cell.answer.state)).length;
    const costs = cells.map((cell) => cell.answer.figures.cost).filter((cost) => (cost ?? null) !== null);
    progress.textContent = !cells.length
      ? ""
      : costs.length
        ? t("compare.progress.cost", { n: over, all: cells.length, cost: usd(sum(costs)) })
        : t("compare.progress", { n: over, all: cells.length });
    drawTable();
  }
  const progressed = oncePerFrame(drawProgress);

  const inOrder = () => {
    const by = COLUMNS[order]?.of ?? ((cell) => cell.index);
    return [...cells].sort((a, b) => by(a) - by(b) || a.index - b.index);
  };

  /** The figures side by side. A head sorts the table and the answers below. */
  function drawTable() {
    table.hidden = cells.length < 2;
    const focused = table.contains(document.activeElement) ? document.activeElement.dataset.sort : undefined;
    const done = cells.filter(({ answer }) => answer.state === "done");
    const bestOf = (name) => Math.min(...done.map(COLUMNS[name].of));
    const head = (name, label) => {
      const isSorted = order === (name || null);
      const sortBy = () => {
        order = name || null;
        drawTable();
        drawGrid();
      };
      return h(
        "th",
        {
          scope: "col",
          class: name && name !== "finish" ? "number" : undefined,
          "aria-sort": isSorted ? "ascending" : undefined,
        },
        button(label, sortBy, { class: "link", data: { sort: name } }),
      );
    };
    const names = Object.keys(COLUMNS);
    table.replaceChildren(
      h(
        "table",
        { class: "figures-table" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            head("", t("nav.models")),
            names.map((name) => head(name, t(`compare.sort.${name}`))),
          ),
        ),
        h(
          "tbody",
          {},
          inOrder().map((cell) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, cell.model),
              names.map((name) => {
                const value = COLUMNS[name].of(cell);
                const isBest =
                  COLUMNS[name].best &&
                  done.length > 1 &&
                  done.includes(cell) &&
                  Math.abs(value) !== last &&
                  value === bestOf(name);
                return h(
                  "td",
                  { class: name === "finish" ? undefined : isBest ? "number best" : "number" },
                  isBest && h("span", { class: "badge good" }, t("compare.best")),
                  isBest && " ",
                  SHOWN[name](cell),
                );
              }),
            ),
          ),
        ),
      ),
    );
    if (focused !== undefined) table.querySelector(`[data-sort="${focused}"]`)?.focus();
  }

  function drawGrid() {
    grid.replaceChildren(
      ...inOrder().map((cell) =>
        h(
          "article",
          { class: "card cell", "aria-label": cell.model },
          h("header", {}, h("h2", {}, cell.model)),
          cell.view.element,
          cell.talk.element,
          h(
            "footer",
            {},
            button(t("models.use"), () => (drafts.set(workspace, "use", cell.model), go("/run")), {
              class: "plain small",
              "aria-label": t("compare.use", { model: cell.model }),
            }),
          ),
        ),
      ),
    );
  }

  function drawTools() {
    tools.hidden = !cells.length;
    tools.replaceChildren(
      button(t("compare.diff"), difference, { disabled: cells.length < 2 }),
      ...["md", "json", "csv"].map((format) =>
        button(format.toUpperCase(), () => exportAs(format), {
          class: "plain",
          "aria-label": t("compare.export", { format: format.toUpperCase() }),
        }),
      ),
    );
  }

  async function exportAs(format) {
    const types = { md: "text/markdown", json: "application/json", csv: "text/csv" };
    try {
      download(
        `comparison.${format}`,
        types[format],
        saved ? await api.exported(saved, format) : written(format),
      );
    } catch (error) {
      problem.replaceChildren(errorBox(error));
    }
  }

  /** The export of a comparison that the host has not kept: it was stopped before its end. */
  function written(format) {
    const rows = cells.map(({ model, answer }) => ({
      model,
      cost_usd: answer.figures.cost ?? null,
      first_output_ms: answer.figures.first ?? null,
      total_ms: answer.figures.total ?? null,
      completion_tokens: answer.usage.completion_tokens ?? null,
      finish: answer.figures.finish ?? answer.state,
      error: answer.error?.message ?? null,
      text: answer.text,
    }));
    if (format === "json") return JSON.stringify({ prompt: asked, cells: rows }, null, 2);
    if (format === "csv") {
      // A spreadsheet takes a cell that begins so for a formula.
      const safe = (value) => String(value ?? "").replace(/^[=+\-@\t\r]/, "'$&");
      const quoted = (value) => `"${safe(value).replaceAll('"', '""')}"`;
      return [
        Object.keys(rows[0]).join(","),
        ...rows.map((row) => Object.values(row).map(quoted).join(",")),
      ].join("\r\n");
    }
    return [
      `# ${asked.split("\n")[0]}`,
      ...cells.map(
        ({ model, answer }) =>
          `\n## ${model}\n\n${figureRows(answer)
            .map(([name, value]) => `- ${name}: ${value}`)
            .join("\n")}\n\n${answer.text}`,
      ),
    ].join("\n");
  }

  function difference() {
    const options = cells.map((cell) => [String(cell.index), cell.model]);
    const left = select(options, "0", { "aria-label": t("compare.diff.left") });
    const right = select(options, "1", { "aria-label": t("compare.diff.right") });
    const shown = h("div", { class: "diff" });
    const draw = () =>
      shown.replaceChildren(...differenceOf(cells[left.value].answer.text, cells[right.value].answer.text));
    left.addEventListener("change", draw);
    right.addEventListener("change", draw);
    dialog(
      t("compare.diff"),
      h(
        "div",
        { class: "stack" },
        h("div", { class: "search-row" }, left, right),
        h("p", { class: "help" }, t("compare.diff.help")),
        shown,
      ),
      { wide: true, closeLabel: t("close") },
    );
    draw();
  }

  function history() {
    const list = h("ul", { class: "rows" });
    const box = dialog(t("compare.history"), list, { closeLabel: t("close") });
    loadInto(list, async () => {
      const found = await api.comparisons();
      if (!found.length) return h("li", { class: "empty" }, t("compare.history.none"));
      return found.map((one) => {
        const line = button(
          "",
          async () => {
            await open(one.id);
            box.close();
          },
          { class: "row-button" },
        );
        line.append(
          h("span", {}, one.title || t("run.untitled")),
          h(
            "span",
            { class: "help" },
            `${when(one.created)} · ${t("compare.history.models", { n: (one.cells ?? []).length })}`,
          ),
        );
        return h("li", {}, line);
      });
    });
  }

  async function open(id) {
    const found = await api.comparison(id);
    const report = found.report ?? found;
    for (const cell of cells) cell.talk.stop();
    saved = id;
    asked = report.prompt ?? found.title ?? "";
    cells = (report.cells ?? []).map((cell, index) => ({
      index,
      model: cell.label ?? cell.requested,
      answer: answerOfCell(cell),
      message: cell.response?.message,
    }));
    cells.forEach(setUp);
    if (draft.saved !== id) draft.talks = {};
    for (const cell of cells) {
      const talk = draft.talks?.[cell.index];
      // Its conversation may have been removed.
      if (talk) cell.talk.restore(talk).catch(() => {});
    }
    order = null;
    drawGrid();
    drawTools();
    drawProgress();
    draft.saved = id;
    keep();
  }

  drawChips();
  if (draft.saved) {
    grid.append(h("p", { class: "loading" }, t("loading")));
    // It may have been removed with its workspace's history: then there is nothing to show.
    open(draft.saved).catch(() => grid.replaceChildren());
  }
  return {
    element,
    shown() {
      const model = drafts.get(workspace, "compare.add", null);
      if (!model) return;
      drafts.set(workspace, "compare.add", undefined);
      draft.models = [...new Set([...draft.models, model])].slice(-MOST);
      keep();
      drawChips();
    },
  };
}

const stateOf = (answer) => {
  if (answer.state === "failed") {
    return h("span", { class: "badge bad" }, titleOf(answer.error ?? {}));
  }
  if (answer.state === "done") return answer.figures.finish ? finishOf(answer.figures.finish) : t("runs.ok");
  return t(answer.state === "stopped" ? "compare.stopped" : "compare.running");
};

/** The answer of a cell of a saved report. */
function answerOfCell(cell) {
  const response = cell.response ?? cell.error?.partial ?? {};
  const answer = answerOf(response.message ?? {}, cell.requested);
  Object.assign(answer, {
    state: cell.error ? "failed" : "done",
    provider: cell.provider,
    usage: response.usage ?? {},
    error: cell.error && {
      code: cell.error.host_code ?? cell.error.code ?? "provider_error",
      message: cell.error.message ?? "",
      kind: cell.error.kind,
      next: cell.error.next_step,
    },
  });
  // The events count whole milliseconds, and the whole bill.
  const whole = (ms) => ((ms ?? null) === null ? undefined : Math.floor(ms));
  const { cost, upstream_cost: upstream, is_byok: isByok } = response.usage ?? {};
  Object.assign(answer.figures, {
    first: whole(cell.timings?.time_to_first_token_ms),
    total: whole(cell.timings?.total_ms),
    cost: billOf(cost, isByok ? upstream : null),
    served: response.model,
    upstream: response.served_by?.provider,
    finish: response.finish_reason,
    attempts: response.attempts ?? [],
  });
  return answer;
}

/** The words that are in one text alone, marked. Long texts are compared by line. */
export function differenceOf(before, after) {
  const cut = (text, by) => text.split(by).filter((part) => part !== "");
  const isLong = before.length + after.length > 12_000;
  const by = isLong ? /(?<=\n)/ : /(\s+)/;
  const [a, b] = [cut(before, by), cut(after, by)];
  const rows = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      rows[i][j] = a[i] === b[j] ? rows[i + 1][j + 1] + 1 : Math.max(rows[i + 1][j], rows[i][j + 1]);
    }
  }
  const parts = [];
  const push = (tag, text) => {
    if (parts.at(-1)?.tag === tag) parts.at(-1).text += text;
    else parts.push({ tag, text });
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      push("span", a[i]);
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && rows[i + 1][j] >= rows[i][j + 1])) {
      push("del", a[i]);
      i += 1;
    } else {
      push("ins", b[j]);
      j += 1;
    }
  }
  return parts.map(({ tag, text }) => h(tag, {}, text));
}
