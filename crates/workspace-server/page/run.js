// Run: an agent node, and the conversation with it.

import { answerOf, answerView, copyAnswer, fail, newAnswer, take, takeRun } from "./answer.js";
import { NODE_EXTRA } from "./api.js";
import { asSent, asStored, attachments, shownParts } from "./attachments.js";
import { catalogueOf } from "./catalogue.js";
import { requestCheck, requestOf } from "./check.js";
import { showConversations } from "./conversations.js";
import { announce, button, dialog, goLink, h } from "./dom.js";
import { loadInto } from "./errors.js";
import { sum, usd } from "./format.js";
import { drafts, resultsOf } from "./keep.js";
import { code } from "./markdown.js";
import { pickModel } from "./model-picker.js";
import { emptyNode, nodeForm, variablesOf } from "./node-form.js";
import { showRun } from "./run-details.js";
import { asCurl, asRust } from "./snippets.js";
import { isStored, Talk, textOf } from "./talk.js";
import { t } from "./texts.js";

/** After so many milliseconds the host is asked again: it may be writing an answer that a reload has cut. */
const WRITE_WAIT = 1500;
/** The host records a call that was stopped when it has noticed: so often it is asked, in milliseconds. */
const RECORD_WAITS = [200, 400, 800, 1600];

export function runView({ api, session, may }) {
  const workspace = session.workspace;
  const node = drafts.get(workspace, "node", null) ?? emptyNode();
  const variables = drafts.get(workspace, "variables", {});
  const results = resultsOf(workspace);
  let talk = new Talk();
  let running = null;
  let editing = null;
  /** Whether the host has models at all; a page without them says where to begin. */
  let hasModels = true;

  const log = h("div", {
    class: "log",
    role: "log",
    "aria-label": t("run.conversation"),
    "aria-live": "off",
  });
  const input = h("textarea", {
    rows: "3",
    placeholder: t("run.placeholder"),
    "aria-label": t("run.message"),
  });
  input.value = drafts.get(workspace, "message", "");
  const send = button(t("run.send"), () => void ask(), { class: "primary" });
  const stop = button(t("run.stop"), () => running?.abort(), { class: "danger", hidden: true });
  const problem = h("div", { role: "status" });
  const total = h("p", { class: "total", role: "status" });
  const composer = h("form", {
    class: "composer",
    onsubmit: (event) => (event.preventDefault(), void ask()),
  });
  const files = attachments({ target: composer, onchange: () => check.update(), onproblem: refuse });
  composer.append(
    input,
    files.chips,
    h("div", { class: "actions" }, files.pick, h("span", { class: "help" }, t("run.keys")), stop, send),
  );
  const check = requestCheck({ api, session, compose: sketch });
  const form = nodeForm({
    api,
    session,
    node,
    variables,
    onchange: () => {
      drafts.set(workspace, "node", node);
      drafts.set(workspace, "variables", variables);
      problem.replaceChildren();
      check.update();
    },
  });
  const isWide = matchMedia("(min-width: 60rem)");
  const panel = h(
    "details",
    { class: "panel", open: isWide.matches || !modelName() },
    h("summary", {}, t("node.title")),
    form.element,
  );

  const element = h(
    "div",
    { class: "view run" },
    h(
      "div",
      { class: "head row" },
      h("h1", {}, t("nav.run")),
      h(
        "div",
        { class: "actions" },
        button(t("run.new"), () => (begin(new Talk()), input.focus())),
        button(t("run.history"), history, { class: "plain" }),
        button(t("run.code"), snippets, { class: "plain" }),
      ),
    ),
    h(
      "div",
      { class: "split" },
      h("section", { class: "talk" }, log, total, problem, check.element, composer),
      panel,
    ),
  );

  input.addEventListener("input", () => {
    drafts.set(workspace, "message", input.value);
    check.update();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      void ask();
    }
    if (event.key === "Escape") running?.abort();
  });

  function modelName() {
    return node.config?.model ?? node.config?.model_id;
  }

  /** The request that the composer would send, for a look at it. */
  function sketch() {
    const text = input.value.trim();
    const parts = files.sketch();
    if (!modelName() || (!text && !parts.length)) return null;
    const before = (editing ? pathTo(editing.parent) : talk.path()).filter((one) => one.role !== "tool");
    const messages = before.map((one) =>
      one.role === "assistant"
        ? { role: "assistant", content: one.answer.text }
        : { role: "user", content: one.text },
    );
    const content = parts.length ? [...(text ? [{ type: "text", text }] : []), ...parts] : text;
    return {
      model: modelName(),
      request: requestOf(node, [...messages, { role: "user", content }]),
    };
  }

  function pathTo(id) {
    const found = [];
    for (let at = talk.get(id); at; at = talk.get(at.parent)) found.unshift(at);
    return found;
  }

  function remember() {
    const leaf = isStored(talk.leaf)
      ? talk.leaf
      : (talk.path().findLast((one) => isStored(one.id))?.id ?? null);
    drafts.set(workspace, "conversation", talk.id ? { id: talk.id, leaf } : undefined);
  }

  function begin(next) {
    running?.abort();
    talk = next;
    stopEditing();
    problem.replaceChildren();
    remember();
    draw();
    check.update();
  }

  // Drawing

  function draw() {
    const shown = talk.path();
    log.replaceChildren(...shown.map(row));
    if (!shown.length) log.append(emptiness());
    drawTotal();
    for (const message of shown) void loadFigures(message);
  }

  function emptiness() {
    return h(
      "div",
      { class: "empty" },
      h("h2", {}, t("run.empty")),
      h("p", {}, t(hasModels ? "run.empty.lead" : "run.empty.provider")),
      !hasModels && goLink("/providers", t("nav.providers")),
    );
  }

  function drawTotal() {
    const answers = [...talk.messages.values()].filter((one) => one.role === "assistant");
    const costs = answers.map((one) => one.answer.figures.cost).filter((cost) => (cost ?? null) !== null);
    total.textContent = costs.length ? t("run.total", { n: answers.length, cost: usd(sum(costs)) }) : "";
  }

  /** The figures of a stored answer are in the record of its run. */
  async function loadFigures(message, waits = []) {
    if (!message.run || message.isLoaded) return;
    message.isLoaded = true;
    for (const wait of [0, ...waits]) {
      await new Promise((later) => setTimeout(later, wait));
      try {
        takeRun(message.answer, await api.run(message.run));
        message.view?.draw();
        return drawTotal();
      } catch {
        // The run may be gone by the workspace's retention: the answer stands without its figures.
      }
    }
  }

  function row(message) {
    const siblings = talk.children(message.parent).filter((one) => one.role === message.role);
    const at = siblings.indexOf(message);
    const show = (to) => {
      talk.leaf = talk.leafBelow(siblings[to]);
      remember();
      draw();
    };
    const branches =
      siblings.length > 1 &&
      h(
        "span",
        { class: "branches" },
        button("‹", () => show(at - 1), {
          class: "plain icon",
          disabled: at === 0,
          "aria-label": t("run.branch.before"),
        }),
        h("span", {}, `${at + 1} / ${siblings.length}`),
        button("›", () => show(at + 1), {
          class: "plain icon",
          disabled: at === siblings.length - 1,
          "aria-label": t("run.branch.after"),
        }),
      );
    if (message.role === "assistant") return answerRow(message, branches);
    const waits = message.id === talk.leaf && !running && isStored(message.id);
    return h(
      "article",
      {
        class: `message ${message.role}`,
        "aria-label": t(message.role === "tool" ? "run.results" : "run.question"),
      },
      message.text && h("p", { class: "said" }, message.text),
      message.parts && h("div", { class: "media" }, shownParts(message.parts)),
      h(
        "footer",
        {},
        branches,
        message.role === "user" && button(t("run.edit"), () => edit(message), { class: "plain small" }),
        waits &&
          button(t("run.answer.again"), () => void answer(message, { parent: message.id }), {
            class: "small",
          }),
      ),
    );
  }

  function answerRow(message, branches) {
    message.view = answerView(message.answer, {
      retry: () => void again(message),
      goOn: message.id === talk.leaf || !isStored(message.id) ? () => void goOn() : undefined,
      onresults: (given) => void sendResults(message, given),
      keepResult: results.keep,
    });
    return h(
      "article",
      { class: "message assistant", "aria-label": t("run.answer") },
      message.view.element,
      h(
        "footer",
        {},
        branches,
        message.answer.text && copyAnswer(message.answer),
        button(t("run.again"), () => void again(message), { class: "plain small" }),
        button(
          t("run.other"),
          () => pickModel({ api, session, onpick: (model) => void again(message, model) }),
          { class: "plain small" },
        ),
        button(t("details"), () => showRun(api, message.answer.run ?? message.run, { may }), {
          class: "plain small",
          data: { details: "" },
          hidden: !(message.answer.run ?? message.run),
        }),
      ),
    );
  }

  // Asking

  function refuse(text, focus) {
    problem.replaceChildren(h("p", { class: "notice bad", role: "alert" }, text));
    focus?.focus();
  }

  async function ask() {
    const text = input.value.trim();
    const kept = (editing?.parts ?? []).filter((part) => part.type !== "text").map(asSent);
    const media = [...kept, ...files.parts()];
    problem.replaceChildren();
    if (running) return;
    if (!modelName()) {
      panel.open = true;
      return refuse(t("run.no.model"), panel.querySelector(".model-button"));
    }
    if (!text && !media.length) return refuse(t("run.no.message"), input);
    const missing = variablesOf(node.config?.system_prompt).find((name) => !(name in variables));
    if (missing) {
      panel.open = true;
      return refuse(t("run.no.variable", { name: missing }), panel.querySelector(".variables input"));
    }
    const parts = media.length ? [...(text ? [{ type: "text", text }] : []), ...media] : undefined;
    const parent = editing ? editing.parent : talk.leaf;
    stopEditing();
    // On a narrow screen the node stands above the conversation, which now matters more.
    if (!isWide.matches) panel.open = false;
    const question = talk.put({ parent, role: "user", text, parts });
    input.value = "";
    files.clear();
    await answer(question, { message: parts ?? text, parent });
  }

  function edit(message) {
    editing = message;
    input.value = message.text;
    input.focus();
    problem.replaceChildren(
      h(
        "p",
        { class: "notice" },
        t("run.editing"),
        " ",
        button(
          t("cancel"),
          () => {
            stopEditing();
            input.value = "";
            problem.replaceChildren();
          },
          { class: "plain small" },
        ),
      ),
    );
  }

  function stopEditing() {
    editing = null;
  }

  function goOn() {
    if (running) return;
    const text = t("run.on.words");
    const parent = talk.leaf;
    return answer(talk.put({ parent, role: "user", text }), { message: text, parent });
  }

  /** Another answer to the same question, maybe by another model. */
  async function again(message, model) {
    if (running) return;
    const question = talk.get(message.parent);
    if (question.results && !isStored(question.id))
      return answer(question, { results: question.results, parent: question.parent, model });
    // A question that never reached the store is asked in full.
    const asked = isStored(question.id)
      ? { parent: question.id, model }
      : { message: question.parts ?? question.text, parent: question.parent, model };
    await answer(question, asked);
  }

  async function sendResults(message, given) {
    if (running) return;
    given.isAnswered = true;
    const sent = given.calls.map((call) => ({ tool_call_id: call.id, content: call.result ?? "" }));
    const text = given.calls.map((call) => `${call.name} → ${call.result ?? ""}`).join("\n");
    const question = talk.put({ parent: message.id, role: "tool", text, results: sent });
    await answer(question, { results: sent, parent: message.id });
  }

  function bodyFor({ message, parent, results: sent, model }) {
    const asked = model ? { ...node, config: { ...node.config, model } } : node;
    const names = variablesOf(node.config?.system_prompt);
    return {
      conversation_id: talk.id ?? "new",
      parent_id: talk.id && isStored(parent) ? parent : undefined,
      message,
      tool_results: sent,
      node: asked,
      variables: names.length ? Object.fromEntries(names.map((name) => [name, variables[name]])) : undefined,
    };
  }

  /** The store has the question now, whatever becomes of the answer: the draft has done its duty. */
  function reached(here, conversation, question) {
    if (!conversation) return;
    here.id ??= conversation;
    if (question.role === "user" && drafts.get(workspace, "message", "").trim() === question.text)
      drafts.set(workspace, "message", input.value);
    if (here === talk) remember();
  }

  async function answer(question, asked) {
    const here = talk;
    const current = newAnswer(asked.model ?? modelName());
    current.audioFormat = node.config?.[NODE_EXTRA]?.request?.audio?.format;
    const message = here.put({ parent: question.id, role: "assistant", text: "", answer: current });
    const began = performance.now();
    const control = new AbortController();
    running = control;
    send.hidden = true;
    stop.hidden = false;
    draw();
    scrollToEnd();
    try {
      if (asked.message && asked.parent === null && here.id) {
        // A turn goes on behind a message. Another first question is stored beside the first, and answered.
        const content = Array.isArray(asked.message) ? asked.message.map(asStored) : asked.message;
        here.rename(question, (await api.append(here.id, [{ role: "user", content }]))[0]);
        reached(here, here.id, question);
        asked = { parent: question.id, model: asked.model };
      }
      await api.chat(
        bodyFor(asked),
        (event) => {
          const follows = isAtEnd();
          take(current, event, performance.now() - began);
          if (event.type === "opened") reached(here, event.conversation, question);
          if (event.type === "start") here.rename(question, event.message_ids?.at(-1));
          if (event.type === "end") here.rename(message, event.message_id);
          message.view?.update();
          if (follows) requestAnimationFrame(scrollToEnd);
        },
        control.signal,
      );
    } catch (error) {
      fail(current, error, performance.now() - began);
      reached(here, error.conversation, question);
      if (error.conversation) await adopt(here, question);
    } finally {
      if (running === control) {
        running = null;
        send.hidden = false;
        stop.hidden = true;
      }
      for (const call of current.calls) call.result ??= results.of(call);
      message.text = current.text;
      message.run ??= current.state === "stopped" ? current.run : undefined;
      void loadFigures(message, RECORD_WAITS);
      announce(
        current.state === "done"
          ? t("run.announce", { text: current.text.slice(0, 500) })
          : t(`run.${current.state}`),
      );
      if (here === talk) {
        remember();
        draw();
      }
    }
  }

  /** An answer that failed at once leaves its question in the store: finds the id that it has there. */
  async function adopt(here, question) {
    if (isStored(question.id)) return;
    try {
      const leaves = await api.branches(here.id);
      const stored = leaves.findLast((leaf) => leaf.message.role !== "assistant" && !here.get(leaf.id));
      here.rename(question, stored?.id);
    } catch {
      // The question is asked in full when it is asked again.
    }
  }

  const isAtEnd = () => scrollY + innerHeight > document.documentElement.scrollHeight - 80;
  const scrollToEnd = () => element.isConnected && scrollTo(0, document.documentElement.scrollHeight);

  // Conversations of the store

  async function open(id, leaf) {
    const messages = (await api.conversation(id)).map((stored) => {
      const { role } = stored.message;
      const content = stored.message.content ?? stored.message.text;
      const one = { id: stored.id, parent: stored.parent ?? null, role, text: textOf(content) };
      if (Array.isArray(content)) one.parts = content;
      if (role === "assistant") {
        one.run = stored.run;
        one.answer = answerOf(stored.message);
        for (const call of one.answer.calls) call.result = results.of(call);
      }
      return one;
    });
    const next = new Talk({ id, messages });
    for (const one of messages) {
      const parent = one.role === "tool" && next.get(one.parent);
      if (parent?.answer) parent.answer.isAnswered = true;
    }
    next.leaf = next.get(leaf) ? next.leafBelow(next.get(leaf)) : (messages.at(-1)?.id ?? null);
    begin(next);
  }

  /** Opens the conversation of before a reload. */
  async function reopen({ id, leaf }) {
    try {
      await open(id, leaf);
    } catch (error) {
      if (error.status !== 404) throw error;
      begin(new Talk());
    }
    const opened = talk;
    const last = opened.get(opened.leaf);
    if (last && last.role !== "assistant") {
      setTimeout(() => {
        if (talk === opened && opened.leaf === last.id && !running && !editing)
          open(id, last.id).catch(() => {});
      }, WRITE_WAIT);
    }
    return [...log.childNodes];
  }

  function history() {
    showConversations({ api, onopen: open, onremoved: (id) => talk.id === id && begin(new Talk()) });
  }

  function snippets() {
    const message = input.value.trim() || talk.path().findLast((one) => one.role === "user")?.text || "Hello";
    const { variables: values } = bodyFor({});
    const needsTalk = node.config?.[NODE_EXTRA]?.limits;
    const body = {
      conversation_id: needsTalk ? "new" : undefined,
      message,
      node,
      variables: values,
      stream: true,
    };
    dialog(
      t("run.code"),
      h(
        "div",
        { class: "stack" },
        h("h3", {}, "curl"),
        h("p", { class: "help" }, t("run.code.token")),
        code(asCurl(`${api.root}/chat`, body), "sh"),
        h("h3", {}, "Rust"),
        code(asRust(node, message, variables), "rust"),
      ),
      { wide: true, closeLabel: t("close") },
    );
  }

  draw();
  const kept = drafts.get(workspace, "conversation", null);
  if (kept?.id) {
    log.replaceChildren();
    void loadInto(log, () => reopen(kept));
  }
  return {
    element,
    shown() {
      const wanted = drafts.get(workspace, "open", null);
      if (wanted) {
        drafts.set(workspace, "open", undefined);
        log.replaceChildren();
        void loadInto(log, () => reopen({ id: wanted }));
      }
      const model = drafts.get(workspace, "use", null);
      if (model) {
        drafts.set(workspace, "use", undefined);
        node.config = { ...node.config, model };
        drafts.set(workspace, "node", node);
        form.redraw();
      }
      check.update();
      catalogueOf(session, api)
        .then(({ models, failed }) => {
          const before = hasModels;
          hasModels = models.length + failed.length > 0;
          if (before !== hasModels && !talk.path().length) draw();
        })
        .catch(() => {});
    },
  };
}
