// A cell of a comparison that called tools goes on with their results, as a conversation of its own: it is
// there after a reload, and can be opened in Run.

import { answerOf, answerView, fail, newAnswer, take, takeRun } from "./answer.js";
import { button, h } from "./dom.js";
import { errorBox } from "./errors.js";
import { resultsOf } from "./keep.js";
import { t } from "./texts.js";

/**
 * The turns of a cell behind its first answer. `ask` makes what they are asked with, `{question, node,
 * variables, message}`; `onconversation` is called with the id of the conversation once there is one.
 */
export function cellTalk({ api, session, model, answer, ask, onconversation, onopen }) {
  const results = resultsOf(session.workspace);
  const failure = h("div");
  let conversation = null;
  let running = null;

  const stop = button(t("run.stop"), () => running?.abort(), { class: "danger small", hidden: true });
  const open = button(t("compare.open"), () => onopen(conversation), { class: "plain small" });
  const bar = h("div", { class: "actions" }, stop, open);
  const element = h("div", { class: "stack", hidden: true }, failure, bar);

  /** The view of an answer of the cell, with a place for the results of its calls. */
  function viewOf(one, retry) {
    for (const call of one.calls) call.result ??= results.of(call);
    return answerView(one, { retry, onresults: (given) => void send(given), keepResult: results.keep });
  }

  function put(given, next) {
    const said = given.calls.map((call) => `${call.name} → ${call.result ?? ""}`).join("\n");
    const sent = h(
      "article",
      { class: "message tool", "aria-label": t("run.results") },
      h("p", { class: "said" }, said),
    );
    const view = viewOf(next, () => {
      sent.remove();
      view.element.remove();
      // The host knows results that it has stored already.
      void send(given);
    });
    failure.before(sent, view.element);
    return view;
  }

  /** Makes the conversation, with the question and the answer that the cell has. */
  async function begin() {
    const { question, message } = await ask();
    const made = await api.createConversation(question.slice(0, 200));
    const [parent] = await api.append(made.id, [{ role: "user", content: question }]);
    await api.append(made.id, [{ ...message, role: "assistant" }], parent, answer.run);
    conversation = made.id;
    onconversation(made.id);
  }

  async function send(given) {
    if (running) return;
    const control = new AbortController();
    running = control;
    failure.replaceChildren();
    element.hidden = false;
    const next = newAnswer(model);
    const began = performance.now();
    let view = null;
    try {
      if (!conversation) await begin();
      given.isAnswered = true;
      given.view.draw();
      view = put(given, next);
      stop.hidden = false;
      const { node, variables } = await ask();
      await api.chat(
        {
          conversation_id: conversation,
          tool_results: given.calls.map((call) => ({ tool_call_id: call.id, content: call.result ?? "" })),
          node: { ...node, config: { ...node.config, model } },
          variables,
        },
        (event) => {
          take(next, event, performance.now() - began);
          view.update();
        },
        control.signal,
      );
    } catch (error) {
      // Without a place for an answer the results were not sent, and can be sent again.
      if (view) fail(next, error, performance.now() - began);
      else if (error.name !== "AbortError") failure.replaceChildren(errorBox(error));
    } finally {
      running = null;
      stop.hidden = true;
      view?.draw();
      bar.hidden = !conversation;
    }
  }

  /** Loads the turns of before a reload. */
  async function restore(id) {
    const messages = await api.conversation(id);
    conversation = id;
    element.hidden = false;
    let before = null;
    let given = [];
    for (const stored of messages) {
      const { role, tool_call_id: call, content } = stored.message;
      if (role === "tool") given.push({ call, text: typeof content === "string" ? content : "" });
      if (role !== "assistant") continue;
      if (!before) {
        before = answer;
        continue;
      }
      // A question that was asked in Run is none of this cell's turns.
      if (!given.length) break;
      const next = answerOf(stored.message, model);
      for (const one of before.calls) one.result = given.find(({ call: id }) => id === one.id)?.text;
      before.isAnswered = true;
      before.view.draw();
      const view = put(before, next);
      if (stored.run) {
        api
          .run(stored.run)
          .then((run) => (takeRun(next, run), view.draw()))
          .catch(() => {});
      }
      before = next;
      given = [];
    }
  }

  return { element, viewOf, restore, stop: () => running?.abort() };
}
