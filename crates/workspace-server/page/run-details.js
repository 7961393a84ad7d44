// One run: its figures, and its prompt and answer where the workspace keeps them.

import { copyButton, dialog, h } from "./dom.js";
import { errorBox, loadInto } from "./errors.js";
import { count, finishOf, milliseconds, tokensOf, usd, when } from "./format.js";
import { code } from "./markdown.js";
import { t } from "./texts.js";

const rowsOf = (run) => [
  ["run.id", h("code", {}, run.id)],
  ["runs.head.when", when(run.started_ms)],
  ["runs.provider", run.provider],
  ["runs.requested", run.requested],
  ["figure.served", [run.served, run.upstream].filter(Boolean).join(" · ")],
  ["figure.cost", (run.cost ?? null) !== null && usd(run.cost)],
  ["runs.upstream.cost", (run.upstream_cost ?? null) !== null && usd(run.upstream_cost)],
  ["figure.tokens", tokensOf(run)],
  ["figure.cached", run.cached_tokens > 0 && count(run.cached_tokens)],
  ["figure.thought", run.reasoning_tokens > 0 && count(run.reasoning_tokens)],
  ["figure.first", (run.first_output_ms ?? null) !== null && milliseconds(run.first_output_ms)],
  ["figure.total", milliseconds(run.total_ms)],
  ["figure.tries", count(run.attempts)],
  ["figure.finish", run.finish && finishOf(run.finish)],
  ["runs.node", run.node],
  ["runs.user", run.user],
  ["runs.generation", run.generation && h("code", {}, run.generation)],
];

/** Opens a dialog with a run. */
export function showRun(api, id, { may }) {
  const body = h("div", { class: "stack" });
  dialog(t("runs.one"), body, { wide: true, closeLabel: t("close") });
  return loadInto(body, async () => {
    const [run, content] = await Promise.all([api.run(id), may("member") ? api.runContent(id) : null]);
    return [
      run.error && errorBox({ code: run.error_kind, kind: run.error_kind, message: run.error }),
      h(
        "dl",
        { class: "facts" },
        rowsOf(run)
          .filter(([, value]) => value)
          .map(([name, value]) => [h("dt", {}, t(name)), h("dd", {}, value)]),
      ),
      h(
        "div",
        { class: "actions" },
        copyButton(t("runs.copy"), t("copied"), () => JSON.stringify(run, null, 2)),
      ),
      content
        ? [h("h3", {}, t("runs.content")), code(JSON.stringify(content, null, 2), "json")]
        : may("member") && h("p", { class: "help" }, t("runs.content.none")),
    ];
  });
}
