// Access: the tokens of the workspace. The text of a new one is shown once.

import { button, copyButton, dialog, field, h, select } from "./dom.js";
import { errorBox, loadInto } from "./errors.js";
import { when } from "./format.js";
import { t } from "./texts.js";

const ROLES = ["viewer", "member", "admin", "owner"];

export function tokensView({ api, session }) {
  const list = h("div");
  const element = h(
    "div",
    { class: "view" },
    h(
      "div",
      { class: "head row" },
      h("h1", {}, t("nav.tokens")),
      button(t("tokens.create"), create, { class: "primary" }),
    ),
    h("p", { class: "lead" }, t("tokens.lead")),
    list,
  );

  const refresh = () =>
    loadInto(list, async () => {
      const found = await api.tokens();
      const heads = ["name", "role", "created", "used", "expires", "state"];
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
              heads.map((name) => h("th", { scope: "col" }, t(`tokens.${name}`))),
            ),
          ),
          h("tbody", {}, found.map(row)),
        ),
      );
    });

  function row(token) {
    const isOwn = token.id === session.id;
    const revoke = button(
      t("tokens.revoke"),
      async () => {
        try {
          await api.revokeToken(token);
          refresh();
        } catch (error) {
          list.prepend(errorBox(error));
        }
      },
      { class: "plain small danger", "aria-label": t("tokens.revoke.one", { name: token.name }) },
    );
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, token.name, isOwn && h("span", { class: "badge" }, t("tokens.own"))),
      h("td", {}, t(`role.${token.role}`)),
      h("td", {}, when(token.created)),
      h("td", {}, when(token.last_used)),
      h("td", {}, when(token.expires)),
      h(
        "td",
        {},
        token.revoked ? h("span", { class: "badge bad" }, t("tokens.revoked")) : isOwn ? "" : revoke,
      ),
    );
  }

  function create() {
    const name = h("input", { required: true, autocomplete: "off" });
    const mine = ROLES.indexOf(String(session.role).toLowerCase());
    const role = select(
      ROLES.slice(0, mine + 1).map((one) => [one, t(`role.${one}`)]),
      "member",
    );
    const expires = select(
      [
        ["", t("tokens.never")],
        ...[1, 30, 90, 365].map((days) => [String(days * 86_400), t("tokens.days", { n: days })]),
      ],
      "",
    );
    const nameBox = field(t("tokens.name"), name, { required: true });
    const failure = h("div");
    const save = async (event) => {
      event.preventDefault();
      nameBox.setProblem(name.value.trim() ? null : t("tokens.name.empty"));
      if (!name.value.trim()) return;
      try {
        const made = await api.createToken({
          name: name.value.trim(),
          role: role.value,
          expires_in_seconds: Number(expires.value) || undefined,
        });
        form.replaceWith(
          h(
            "div",
            { class: "stack" },
            h("p", { class: "notice warn" }, t("tokens.once")),
            h("code", { class: "secret", tabindex: "0" }, made.text),
            h(
              "footer",
              { class: "actions" },
              copyButton(t("copy"), t("copied"), () => made.text),
              button(t("close"), () => box.close(), { class: "primary" }),
            ),
          ),
        );
        refresh();
      } catch (error) {
        failure.replaceChildren(errorBox(error));
      }
    };
    const form = h(
      "form",
      { class: "stack", onsubmit: save, novalidate: true },
      h(
        "div",
        { class: "fields" },
        nameBox,
        field(t("tokens.role"), role, { help: t("tokens.role.help") }),
        field(t("tokens.expires"), expires),
      ),
      failure,
      h("footer", { class: "actions" }, h("button", { class: "primary" }, t("tokens.create"))),
    );
    const box = dialog(t("tokens.create"), form, { closeLabel: t("close") });
  }

  return { element, shown: refresh };
}
