// Compare: one question to up to eight models side by side.

import { answerView, fail, figureRows, newAnswer, take } from "./answer.js";
import { announce, button, dialog, download, field, h, select } from "./dom.js";
import { errorBox, loadInto } from "./errors.js";
import { when } from "./format.js";
import { drafts } from "./keep.js";
import { pickModel } from "./model-picker.js";
import { emptyNode, nodeForm } from "./node-form.js";
import { t } from "./texts.js";

const MOST = 8;
const last = Number.POSITIVE_INFINITY;
const SORTS = {
  asked: (cell) => cell.index,
  cost: (cell) => Number(cell.answer.figures.cost ?? last),
  first: (cell) => cell.answer.figures.first ?? last,
  total: (cell) => cell.answer.figures.total ?? last,
  tokens: (cell) => cell.answer.usage.completion_tokens ?? last,
  length: (cell) => -cell.answer.text.length,
};

export function compareView({ api, session }) {
  const workspace = session.workspace;
  const draft = drafts.get(workspace, "compare", { models: [], prompt: "" });
  const node = draft.node ?? { ...emptyNode(), id: "compare" };
  const keep = () => drafts.set(workspace, "compare", { ...draft, node });
  let cells = [];
  let asked = "";
  let saved = null;
  let running = null;
  let order = "asked";

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
  const settings = nodeForm({ api, session, node, onchange: keep, withModel: false });

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
    progress,
    tools,
    grid,
  );

  function drawChips() {
    const add = button(
      t("compare.add"),
      () =>
        pickModel({
          api,
          session,
          onpick: (model) => {
            if (!draft.models.includes(model)) draft.models.push(model);
            keep();
            drawChips();
            chips.querySelector(".add")?.focus();
          },
        }),
      { class: "small add", disabled: draft.models.length >= MOST },
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
              draft.models = draft.models.filter((one) => one !== model);
              keep();
              drawChips();
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
    asked = prompt.value;
    saved = null;
    cells = draft.models.map((model, index) => ({ index, model, answer: newAnswer(model) }));
    for (const cell of cells) cell.view = answerView(cell.answer, { compact: false });
    drawGrid();
    const began = performance.now();
    const control = new AbortController();
    running = control;
    start.hidden = true;
    stop.hidden = false;
    tools.hidden = true;
    try {
      await api.compare(
        { models: draft.models, message: asked, node, stream: true },
        (event) => {
          const cell = cells[event.cell];
          if (cell) {
            take(cell.answer, event, performance.now() - began);
            cell.view.update();
          } else if (event.type === "error") {
            problem.replaceChildren(errorBox(event.error));
          }
          saved = event.comparison_id ?? saved;
          count();
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
      count();
      drawTools();
      announce(progress.textContent);
    }
  }

  function count() {
    const over = cells.filter((cell) => !["waiting", "streaming"].includes(cell.answer.state)).length;
    progress.textContent = cells.length ? t("compare.progress", { n: over, all: cells.length }) : "";
  }

  function drawGrid() {
    const by = SORTS[order];
    const shown = [...cells].sort((a, b) => by(a) - by(b) || a.index - b.index);
    grid.replaceChildren(
      ...shown.map((cell) =>
        h(
          "article",
          { class: "card cell", "aria-label": cell.model },
          h("header", {}, h("h2", {}, cell.model)),
          cell.view.element,
        ),
      ),
    );
  }

  function drawTools() {
    const sort = select(
      Object.keys(SORTS).map((name) => [name, t(`compare.sort.${name}`)]),
      order,
      { "aria-label": t("sort") },
    );
    sort.addEventListener("change", () => ((order = sort.value), drawGrid()));
    tools.hidden = !cells.length;
    tools.replaceChildren(
      h("label", { class: "inline" }, t("sort"), " ", sort),
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
          h("span", { class: "help" }, `${when(one.created)} · ${(one.cells ?? []).length}`),
        );
        return h("li", {}, line);
      });
    });
  }

  async function open(id) {
    const found = await api.comparison(id);
    const report = found.report ?? found;
    saved = id;
    asked = report.prompt ?? found.title ?? "";
    cells = (report.cells ?? []).map((cell, index) => ({
      index,
      model: cell.label ?? cell.requested,
      answer: answerOf(cell),
    }));
    for (const cell of cells) cell.view = answerView(cell.answer);
    order = "asked";
    drawGrid();
    drawTools();
    count();
  }

  drawChips();
  return { element };
}

/** The answer of a cell of a saved report. */
function answerOf(cell) {
  const response = cell.response ?? cell.error?.partial ?? {};
  const answer = newAnswer(cell.requested);
  const message = response.message ?? {};
  Object.assign(answer, {
    state: cell.error ? "failed" : "done",
    provider: cell.provider,
    text: message.text ?? "",
    thinking: message.reasoning ?? "",
    calls: (message.tool_calls ?? []).map((call) => ({
      id: call.id,
      name: call.name,
      arguments: call.arguments,
    })),
    usage: response.usage ?? {},
    error: cell.error && {
      code: cell.error.host_code ?? cell.error.code ?? "provider_error",
      message: cell.error.message ?? "",
    },
  });
  Object.assign(answer.figures, {
    first: cell.timings?.time_to_first_token_ms ?? undefined,
    total: cell.timings?.total_ms ?? undefined,
    cost: response.usage?.cost,
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
