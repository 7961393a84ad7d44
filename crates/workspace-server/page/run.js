// Run: an agent node, and the conversation with it. A conversation is a tree: an edited question and another
// answer are branches, and what is shown is the way from the root to one leaf.

import { answerView, copyAnswer, fail, newAnswer, take } from "./answer.js";
import { announce, button, copyButton, dialog, h } from "./dom.js";
import { errorBox, loadInto } from "./errors.js";
import { when } from "./format.js";
import { drafts } from "./keep.js";
import { code } from "./markdown.js";
import { pickModel } from "./model-picker.js";
import { emptyNode, nodeForm } from "./node-form.js";
import { asCurl, asRust } from "./snippets.js";
import { t } from "./texts.js";

export function runView({ api, session, go }) {
  const workspace = session.workspace;
  const node = drafts.get(workspace, "node", null) ?? emptyNode();
  /** `messages`: id → `{id, parent, role, text, answer}`. */
  let talk = { id: null, leaf: null, messages: new Map() };
  let running = null;

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
  const form = nodeForm({ api, session, node, onchange: () => drafts.set(workspace, "node", node) });
  const panel = h(
    "details",
    { class: "panel", open: matchMedia("(min-width: 60rem)").matches },
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
        button(t("run.new"), () => begin({ id: null, leaf: null, messages: new Map() })),
        button(t("run.history"), history, { class: "plain" }),
        button(t("run.code"), snippets, { class: "plain" }),
      ),
    ),
    h(
      "div",
      { class: "split" },
      h(
        "section",
        { class: "talk" },
        log,
        problem,
        h(
          "form",
          { class: "composer", onsubmit: (event) => (event.preventDefault(), void ask()) },
          input,
          h("div", { class: "actions" }, h("span", { class: "help" }, t("run.keys")), stop, send),
        ),
      ),
      panel,
    ),
  );

  input.addEventListener("input", () => drafts.set(workspace, "message", input.value));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      void ask();
    }
    if (event.key === "Escape") running?.abort();
  });

  // The tree

  const childrenOf = (parent) => [...talk.messages.values()].filter((one) => one.parent === parent);
  function path() {
    const found = [];
    for (let at = talk.messages.get(talk.leaf); at; at = talk.messages.get(at.parent)) found.unshift(at);
    return found;
  }
  function leafBelow(message) {
    let at = message;
    for (let next = childrenOf(at.id).at(-1); next; next = childrenOf(at.id).at(-1)) at = next;
    return at.id;
  }
  function put(message) {
    talk.messages.set(message.id, message);
    talk.leaf = message.id;
    return message;
  }
  function rename(message, id) {
    if (!id || message.id === id) return;
    talk.messages.delete(message.id);
    for (const child of childrenOf(message.id)) child.parent = id;
    if (talk.leaf === message.id) talk.leaf = id;
    message.id = id;
    talk.messages.set(id, message);
  }
  const remember = () =>
    drafts.set(workspace, "conversation", talk.id ? { id: talk.id, leaf: talk.leaf } : undefined);

  function begin(next) {
    running?.abort();
    talk = next;
    problem.replaceChildren();
    remember();
    draw();
  }

  // Drawing

  function draw() {
    const shown = path();
    log.replaceChildren(...shown.map(row));
    if (!shown.length) {
      log.append(h("div", { class: "empty" }, h("h2", {}, t("run.empty")), h("p", {}, t("run.empty.lead"))));
    }
  }

  function row(message) {
    const siblings = childrenOf(message.parent).filter((one) => one.role === message.role);
    const at = siblings.indexOf(message);
    const show = (to) => {
      talk.leaf = leafBelow(siblings[to]);
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
    if (message.role === "assistant") {
      message.view = answerView(message.answer, {
        retry: () => void again(message),
        onresults: (answer) => void sendResults(message, answer),
      });
      return h(
        "article",
        { class: "message assistant", "aria-label": t("run.answer") },
        message.view.element,
        h(
          "footer",
          {},
          branches,
          copyAnswer(message.answer),
          button(t("run.again"), () => void again(message), { class: "plain small" }),
          button(
            t("run.other"),
            () => pickModel({ api, session, onpick: (model) => void again(message, model) }),
            { class: "plain small" },
          ),
        ),
      );
    }
    return h(
      "article",
      {
        class: `message ${message.role}`,
        "aria-label": t(message.role === "tool" ? "run.results" : "run.question"),
      },
      h("p", { class: "said" }, message.text),
      message.role === "user" &&
        h(
          "footer",
          {},
          branches,
          button(t("run.edit"), () => edit(message), { class: "plain small" }),
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
    problem.replaceChildren();
    if (running) return;
    if (!node.config?.model && !node.config?.model_id) {
      panel.open = true;
      return refuse(t("run.no.model"), panel.querySelector(".model-button"));
    }
    if (!text) return refuse(t("run.no.message"), input);
    const parent = editing === undefined ? talk.leaf : editing;
    editing = undefined;
    // The store goes on behind a message: another first question is another conversation.
    if (parent === null && talk.messages.size) talk = { id: null, leaf: null, messages: new Map() };
    const question = put({ id: `local-${crypto.randomUUID()}`, parent, role: "user", text });
    input.value = "";
    drafts.set(workspace, "message", "");
    await answer(question, { message: text, parent });
  }

  let editing;
  function edit(message) {
    editing = message.parent;
    input.value = message.text;
    input.focus();
    problem.replaceChildren(
      h(
        "p",
        { class: "notice" },
        t("run.editing"),
        " ",
        button(t("cancel"), () => ((editing = undefined), (input.value = ""), problem.replaceChildren()), {
          class: "plain small",
        }),
      ),
    );
  }

  /** Another answer to the same question, maybe by another model. */
  async function again(message, model) {
    if (running) return;
    const question = talk.messages.get(message.parent);
    if (question.role === "tool") return answer(question, { parent: question.id, model });
    // A question that never reached the store is asked in full.
    const isStored = !question.id.startsWith("local-");
    await answer(
      question,
      isStored ? { parent: question.id, model } : { message: question.text, parent: question.parent, model },
    );
  }

  async function sendResults(message, given) {
    given.isAnswered = true;
    const results = given.calls.map((call) => ({ tool_call_id: call.id, content: call.result ?? "" }));
    const text = given.calls.map((call) => `${call.name} → ${call.result ?? ""}`).join("\n");
    const question = put({ id: `local-${crypto.randomUUID()}`, parent: message.id, role: "tool", text });
    await answer(question, { results, parent: message.id });
  }

  function bodyFor({ message, parent, results, model }) {
    const asked = model ? { ...node, config: { ...node.config, model } } : node;
    return {
      conversation_id: talk.id ?? "new",
      parent_id: talk.id && parent && !parent.startsWith("local-") ? parent : undefined,
      message,
      tool_results: results,
      node: asked,
    };
  }

  async function answer(question, asked) {
    const here = talk;
    const current = newAnswer(asked.model ?? node.config.model);
    const message = put({
      id: `local-${crypto.randomUUID()}`,
      parent: question.id,
      role: "assistant",
      text: "",
      answer: current,
    });
    const began = performance.now();
    const control = new AbortController();
    running = control;
    send.hidden = true;
    stop.hidden = false;
    draw();
    scrollToEnd();
    try {
      await api.chat(
        bodyFor(asked),
        (event) => {
          const follows = isAtEnd();
          here.id ??= event.conversation_id ?? null;
          take(current, event, performance.now() - began);
          if (event.type === "start") rename(question, event.message_ids?.at(-1));
          if (event.type === "end") rename(message, event.message_id);
          message.view?.update();
          if (follows) requestAnimationFrame(scrollToEnd);
        },
        control.signal,
      );
    } catch (error) {
      fail(current, error, performance.now() - began);
    } finally {
      if (running === control) {
        running = null;
        send.hidden = false;
        stop.hidden = true;
      }
      message.text = current.text;
      message.view?.draw();
      announce(
        current.state === "done"
          ? t("run.announce", { text: current.text.slice(0, 500) })
          : t(`run.${current.state}`),
      );
      if (here === talk) remember();
    }
  }

  const isAtEnd = () => scrollY + innerHeight > document.documentElement.scrollHeight - 80;
  const scrollToEnd = () => scrollTo(0, document.documentElement.scrollHeight);

  // Conversations of the store

  async function open(id, leaf) {
    const found = await api.conversation(id);
    const messages = new Map();
    for (const stored of found) {
      const { role } = stored.message;
      const text = textOf(stored.message.content ?? stored.message.text);
      const one = { id: stored.id, parent: stored.parent ?? null, role, text };
      if (role === "assistant") {
        const calls = (stored.message.tool_calls ?? []).map((call) => ({
          id: call.id,
          name: call.name ?? call.function?.name,
          arguments: call.arguments ?? call.function?.arguments ?? "",
        }));
        one.answer = {
          ...newAnswer(),
          state: "done",
          text,
          thinking: textOf(stored.message.reasoning),
          calls,
          isAnswered: false,
          run: stored.run,
        };
      }
      messages.set(one.id, one);
    }
    for (const one of messages.values()) {
      if (one.role === "tool" && messages.get(one.parent)?.answer)
        messages.get(one.parent).answer.isAnswered = true;
    }
    const last = messages.has(leaf) ? leaf : ([...messages.keys()].at(-1) ?? null);
    begin({ id, leaf: last, messages });
  }

  function history() {
    const list = h("ul", { class: "rows" });
    const box = dialog(t("run.history"), list, { closeLabel: t("close") });
    loadInto(list, async () => {
      const found = await api.conversations();
      if (!found.length) return h("li", { class: "empty" }, t("run.history.none"));
      return found
        .map((one) =>
          h(
            "li",
            {},
            button(
              "",
              async () => {
                await open(one.id);
                box.close();
              },
              { class: "row-button" },
            ),
            button(
              t("remove"),
              async (event) => {
                const line = event.currentTarget.closest("li");
                await api.removeConversation(one.id);
                line.remove();
                if (talk.id === one.id) begin({ id: null, leaf: null, messages: new Map() });
              },
              { class: "plain small danger", "aria-label": t("run.history.remove", { title: one.title }) },
            ),
          ),
        )
        .map((line, at) => {
          line.firstChild.append(
            h("span", {}, found[at].title || t("run.untitled")),
            h("span", { class: "help" }, when(found[at].updated)),
          );
          return line;
        });
    });
  }

  function snippets() {
    const message = input.value.trim() || path().findLast((one) => one.role === "user")?.text || "Hello";
    const body = { message, node, stream: true };
    const curl = asCurl(`${api.root}/chat`, body);
    dialog(
      t("run.code"),
      h(
        "div",
        { class: "stack" },
        h("h3", {}, "curl"),
        h("p", { class: "help" }, t("run.code.token")),
        code(curl, "sh"),
        h("h3", {}, "Rust"),
        code(asRust(node, message), "rust"),
      ),
      { wide: true, closeLabel: t("close") },
    );
  }

  draw();
  const kept = drafts.get(workspace, "conversation", null);
  if (kept?.id) {
    loadInto(log, async () => {
      await open(kept.id, kept.leaf);
      return [...log.childNodes];
    });
  }
  return {
    element,
    shown() {
      const model = drafts.get(workspace, "use", null);
      if (model) {
        drafts.set(workspace, "use", undefined);
        node.config = { ...node.config, model };
        drafts.set(workspace, "node", node);
        form.redraw();
      }
    },
  };
}

/** The text of a message's content, which is a text or a list of parts. */
function textOf(content) {
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return content.map((part) => part.text ?? "").join("");
  return content?.text ?? "";
}
