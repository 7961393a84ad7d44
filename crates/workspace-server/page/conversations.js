// The list of a workspace's conversations.

import { button, dialog, h } from "./dom.js";
import { loadInto } from "./errors.js";
import { when } from "./format.js";
import { t } from "./texts.js";

/** Opens the list. `onopen` opens one of them, `onremoved` is told of one that is gone. */
export function showConversations({ api, onopen, onremoved }) {
  const list = h("ul", { class: "rows" });
  const box = dialog(t("run.history"), list, { closeLabel: t("close") });
  const refresh = () =>
    loadInto(list, async () => {
      const found = await api.conversations();
      if (!found.length) return h("li", { class: "empty" }, t("run.history.none"));
      return found.map((one) => {
        const line = button("", () => onopen(one.id).then(() => box.close()), { class: "row-button" });
        const title = one.title || t("run.untitled");
        line.append(h("span", {}, title), h("span", { class: "help" }, when(one.updated)));
        const drop = button(
          t("remove"),
          async () => {
            await api.removeConversation(one.id);
            onremoved(one.id);
            await refresh();
          },
          { class: "plain small danger", "aria-label": t("run.history.remove", { title }) },
        );
        return h("li", {}, line, drop);
      });
    });
  void refresh();
}
