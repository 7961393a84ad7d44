// The frame: sign in, the workspace, the navigation, and the views. A view is made once for a workspace and
// stays as it is when another one is shown, so that a stream goes on and nothing typed is lost.

import { Api } from "./api.js";
import { compareView } from "./compare.js";
import { costsView } from "./costs.js";
import { announce, button, dialog, field, h, newId, select } from "./dom.js";
import { errorBox } from "./errors.js";
import { choices, sessions } from "./keep.js";
import { modelsView } from "./models.js";
import { providersView } from "./providers.js";
import { runView } from "./run.js";
import { LANGUAGES, language, setLanguage, t } from "./texts.js";
import { tokensView } from "./tokens.js";

/** The roles, from the least to the most. */
const ROLES = ["viewer", "member", "admin", "owner"];

/** The views: path, role that it needs, and what makes it. */
const VIEWS = [
  {
    path: "/providers",
    role: "viewer",
    text: "nav.providers",
    short: "providers.short",
    make: providersView,
  },
  { path: "/models", role: "viewer", text: "nav.models", make: modelsView },
  { path: "/run", role: "member", text: "nav.run", make: runView },
  { path: "/compare", role: "member", text: "nav.compare", make: compareView },
  { path: "/costs", role: "viewer", text: "nav.costs", make: costsView },
  { path: "/tokens", role: "admin", text: "nav.tokens", make: tokensView },
];

const app = document.querySelector("#app");
const made = new Map();
let session = null;

/** Whether the session's role is at least this one. The server checks it all the same. */
const may = (role) => ROLES.indexOf(String(session?.role).toLowerCase()) >= ROLES.indexOf(role);

/** The query with which a provider's page has sent the browser back, until the view has taken it. */
let approval = null;

function takeApproval() {
  if (location.pathname !== "/connected") return;
  approval = location.search;
  // Its code works once: neither a reload nor the history is to send it again.
  history.replaceState(null, "", "/providers");
  if (choices.get("connecting")) choices.set("workspace", choices.get("connecting"));
}

/** The link that the host prints when it starts has the token behind `#`, which no server sees. */
async function signInByLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  // The token leaves the address and the history at once.
  history.replaceState(null, "", location.pathname);
  try {
    const made = await Api.signIn(token);
    sessions.add({ ...made, kept: false });
    choices.set("workspace", made.workspace);
  } catch {
    // The form says more about a token that is not taken.
  }
}

function start() {
  document.documentElement.lang = language();
  document.documentElement.dataset.theme = choices.get("theme") ?? "auto";
  const all = sessions.all();
  session = all.find((one) => one.workspace === choices.get("workspace")) ?? all[0] ?? null;
  if (session) drawFrame();
  else drawSignIn();
}

// Sign in

function drawSignIn() {
  document.title = t("title");
  app.replaceChildren(
    h(
      "main",
      { class: "sign-in" },
      h("div", { class: "brand" }, h("img", { src: "/page/icon.svg", alt: "", width: "40", height: "40" })),
      h("h1", {}, t("signin.title")),
      h("p", { class: "lead" }, t("signin.lead")),
      signInForm({ onsession: use }),
      h("footer", {}, languageSelect(), themeSelect()),
    ),
  );
  app.querySelector("input")?.focus();
}

function signInForm({ onsession, workspace }) {
  const token = h("input", {
    type: "password",
    name: "token",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    placeholder: "wst_…",
  });
  const keep = h("input", { type: "checkbox", id: newId("keep") });
  const box = field(t("signin.token"), token, { help: t("signin.token.help") });
  const failure = h("div");
  const submit = h("button", { class: "primary" }, t("signin.submit"));
  const send = async (event) => {
    event.preventDefault();
    const text = token.value.trim();
    box.setProblem(text ? null : t("signin.empty"));
    if (!text || submit.disabled) return;
    submit.disabled = true;
    failure.replaceChildren();
    try {
      const made = await Api.signIn(text, workspace);
      if (workspace && made.workspace !== workspace) {
        box.setProblem(t("signin.other", { workspace: made.workspace }));
        return;
      }
      sessions.add({ ...made, kept: keep.checked });
      onsession({ ...made, kept: keep.checked });
    } catch (error) {
      failure.replaceChildren(errorBox(error));
    } finally {
      submit.disabled = false;
    }
  };
  return h(
    "form",
    { class: "stack", onsubmit: send },
    box,
    h("label", { class: "check", for: keep.id }, keep, h("span", {}, t("signin.keep"))),
    failure,
    submit,
  );
}

function use(chosen) {
  session = chosen;
  choices.set("workspace", chosen.workspace);
  made.clear();
  drawFrame();
}

/** Asks for a new token over the page, which stays as it is below. */
function askAgain(refused) {
  if (document.querySelector("dialog[data-sign-in]")) return;
  const box = dialog(
    t("signin.again"),
    h(
      "div",
      {},
      h("p", {}, t("signin.again.lead", { workspace: refused.name ?? refused.workspace })),
      signInForm({
        workspace: refused.workspace,
        onsession: (fresh) => {
          Object.assign(refused, fresh);
          announce(t("signin.done"));
          box.close();
        },
      }),
      button(t("signin.out"), () => (box.close(), signOut(refused)), { class: "plain" }),
    ),
  );
  box.dataset.signIn = "";
}

function signOut(from) {
  sessions.remove(from.workspace);
  made.clear();
  start();
}

// Frame

function drawFrame() {
  const main = h("main", { id: "main", tabindex: "-1" });
  const links = VIEWS.filter((view) => may(view.role)).map((view) =>
    h(
      "a",
      { href: view.path, data: { go: "", path: view.path } },
      h("span", { class: view.short && "long" }, t(view.text)),
      view.short && h("span", { class: "short" }, t(view.short)),
    ),
  );
  const menu = h(
    "div",
    { id: "menu", popover: "auto", class: "menu" },
    h(
      "p",
      { class: "help" },
      `${session.name ?? session.workspace} · ${t(`role.${String(session.role).toLowerCase()}`)}`,
    ),
    field(t("language"), languageSelect()),
    field(t("theme"), themeSelect()),
    button(t("signin.out"), () => signOut(session)),
  );
  app.replaceChildren(
    h(
      "a",
      { class: "skip", href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) },
      t("skip"),
    ),
    h(
      "div",
      { class: "frame" },
      h(
        "header",
        { class: "bar" },
        h("img", { src: "/page/icon.svg", alt: "", width: "28", height: "28" }),
        workspaceSelect(),
        h("nav", { "aria-label": t("nav") }, links),
        h("button", { type: "button", class: "plain menu-button", popovertarget: "menu" }, t("menu")),
        menu,
      ),
      main,
    ),
  );
  show(location.pathname);
}

function workspaceSelect() {
  const all = sessions.all();
  const options = all.map((one) => [one.workspace, one.name ?? one.workspace]);
  const element = select([...options, ["", t("workspace.other")]], session.workspace, {
    "aria-label": t("workspace"),
    class: "workspace",
  });
  element.addEventListener("change", () => {
    const chosen = all.find((one) => one.workspace === element.value);
    if (chosen) use(chosen);
    else {
      element.value = session.workspace;
      const box = dialog(
        t("workspace.add"),
        signInForm({ onsession: (fresh) => (box.close(), use(fresh)) }),
        {
          closeLabel: t("close"),
        },
      );
    }
  });
  return element;
}

function languageSelect() {
  const element = select(LANGUAGES, language(), { "aria-label": t("language"), class: "small" });
  element.addEventListener("change", () => {
    setLanguage(element.value);
    made.clear();
    start();
  });
  return element;
}

function themeSelect() {
  const options = ["auto", "light", "dark"].map((theme) => [theme, t(`theme.${theme}`)]);
  const element = select(options, choices.get("theme") ?? "auto", {
    "aria-label": t("theme"),
    class: "small",
  });
  element.addEventListener("change", () => {
    choices.set("theme", element.value);
    document.documentElement.dataset.theme = element.value;
  });
  return element;
}

/** A link to a view is followed without a load, and closes the dialog that it stands in. */
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-go]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  link.closest("dialog")?.close();
  go(link.getAttribute("href"));
});

function go(path) {
  if (location.pathname !== path) history.pushState(null, "", path);
  show(path);
  document.querySelector("#main")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function show(path) {
  const view = VIEWS.find((one) => one.path === path && may(one.role)) ?? VIEWS[0];
  if (view.path !== path) history.replaceState(null, "", view.path);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.path === view.path) {
      link.setAttribute("aria-current", "page");
      const nav = link.parentElement;
      nav.scrollLeft = link.offsetLeft - nav.clientWidth / 2 + link.offsetWidth / 2;
    } else {
      link.removeAttribute("aria-current");
    }
  }
  if (!made.has(view.path)) {
    const api = new Api(session, askAgain);
    const takeQuery = () => [approval, (approval = null)][0];
    made.set(view.path, view.make({ api, session, may, go, takeQuery }));
  }
  const { element, shown } = made.get(view.path);
  document.title = `${t(view.text)} · ${session.name ?? session.workspace}`;
  document.querySelector("#main").replaceChildren(element);
  shown?.();
}

addEventListener("popstate", () => session && show(location.pathname));
await signInByLink();
takeApproval();
start();
