// AI Model Providers: the providers of the workspace, those that can be added, and the form of each.

import { forgetCatalogue } from "./catalogue.js";
import { announce, button, dialog, field, goLink, h } from "./dom.js";
import { errorBox, loadInto } from "./errors.js";
import { fieldForm } from "./field-form.js";
import { shortUsd, usd, when } from "./format.js";
import { choices, drafts } from "./keep.js";
import { link } from "./markdown.js";
import { descriptionOf, t } from "./texts.js";
import { problemText } from "./words.js";

export function providersView({ api, session, may, go, takeQuery }) {
  const notice = h("div", { role: "status" });
  const list = h("div", { class: "cards own" });
  const addable = h("div", { class: "cards" });
  const element = h(
    "div",
    { class: "view" },
    h(
      "div",
      { class: "head" },
      h("h1", {}, t("nav.providers")),
      h("p", { class: "lead" }, t("providers.lead")),
    ),
    notice,
    h("section", {}, h("h2", {}, t("providers.yours")), list),
    may("admin") && h("section", {}, h("h2", {}, t("providers.add")), addable),
  );
  let kinds = [];
  let instances = [];
  /** The reports of the tests of this visit, by instance. */
  const reports = new Map();

  const refresh = () =>
    loadInto(list, async () => {
      [kinds, instances] = await Promise.all([api.providerKinds(), api.providers()]);
      // The kinds stay the same while the host runs.
      if (!addable.childElementCount) addable.replaceChildren(...kinds.map(kindCard));
      if (!instances.length) {
        return h("p", { class: "empty" }, t(may("admin") ? "providers.empty" : "providers.empty.viewer"));
      }
      return instances.map(instanceCard);
    });

  function instanceCard(instance) {
    const kind = kinds.find((one) => one.id === instance.kind);
    const state = h("div", { class: "state", role: "status" }, reports.get(instance.id));
    const key = Object.values(instance.secrets ?? {}).find((secret) => secret.configured);
    return h(
      "article",
      { class: "card", "aria-label": instance.id },
      h("header", {}, h("h3", {}, kind?.display_name ?? instance.kind), h("code", {}, instance.id)),
      capabilities(kind),
      h(
        "dl",
        { class: "facts" },
        key ? [h("dt", {}, t("providers.key")), h("dd", {}, h("code", {}, `••••${key.last4 ?? ""}`))] : [],
        instance.settings?.base_url
          ? [h("dt", {}, t("providers.address")), h("dd", { class: "clip" }, instance.settings.base_url)]
          : [],
        [h("dt", {}, t("nav.models")), h("dd", {}, modelsLink(instance))],
      ),
      state,
      h(
        "footer",
        {},
        may("admin") &&
          button(t("test"), () => testSaved(instance), {
            "aria-label": t("providers.test", { name: instance.id }),
            data: { test: instance.id },
          }),
        may("admin") &&
          button(t("change"), () => openForm(kind, instance), {
            class: "plain",
            "aria-label": t("providers.change", { name: instance.id }),
          }),
        may("admin") &&
          button(t("remove"), () => confirmRemoval(instance), {
            class: "plain danger",
            "aria-label": t("providers.remove.one", { name: instance.id }),
          }),
        !may("admin") && button(t("nav.models"), () => go("/models"), { class: "plain" }),
      ),
    );
  }

  /** How many models of an instance are enabled, which leads to them. */
  function modelsLink({ id, enabled_models: enabled }) {
    const label = enabled ? t("providers.some", { n: enabled.length }) : t("providers.all");
    const show = () => {
      drafts.set(session.workspace, "models", { provider: id, enabled: enabled ? "true" : "" });
      go("/models");
    };
    const name = `${label}: ${t("providers.models", { name: id })}`;
    return button(label, show, { class: "link", "aria-label": name });
  }

  /** Tests a saved instance, on its card. */
  async function testSaved({ id }) {
    const card = () => list.querySelector(`[data-test="${CSS.escape(id)}"]`)?.closest(".card");
    const show = (content) => {
      reports.set(id, content);
      card()?.querySelector(".state").replaceChildren(content);
    };
    show(h("p", { class: "loading" }, t("testing")));
    const instance = instances.find((one) => one.id === id) ?? { id };
    try {
      show(report(await api.testSaved(instance), { isSaved: true, canRun: may("member") }));
    } catch (error) {
      show(errorBox(error, { retry: () => testSaved(instance) }));
    }
  }

  const freeId = (kind) => {
    let id = kind.id;
    for (let number = 2; instances.some((one) => one.id === id); number += 1) id = `${kind.id}-${number}`;
    return id;
  };

  /** Sends the browser to the provider's page, on which the user approves. */
  async function connect({ kind, id, settings }, failure) {
    try {
      const { url } = await api.startConnection({ kind: kind.id, id, settings });
      choices.set("connecting", session.workspace);
      location.assign(url);
    } catch (error) {
      failure.replaceChildren(errorBox(error));
    }
  }

  /** The browser has come back: the host gets the key with what it brings. */
  async function finishConnection(query) {
    notice.replaceChildren(h("p", { class: "loading" }, t("connect.finishing")));
    try {
      const made = await api.finishConnection(query);
      notice.replaceChildren(h("p", { class: "notice good" }, t("connect.done", { name: made.id })));
      announce(t("connect.done", { name: made.id }));
      forgetCatalogue(session);
      await refresh();
      await testSaved(made);
    } catch (error) {
      notice.replaceChildren(errorBox(error));
    }
  }

  function kindCard(kind) {
    const failure = h("div");
    return h(
      "article",
      { class: "card", "aria-label": kind.display_name },
      h("header", {}, h("h3", {}, kind.display_name)),
      h("p", {}, descriptionOf(kind)),
      capabilities(kind),
      failure,
      h(
        "footer",
        {},
        kind.grants_keys &&
          button(t("connect"), () => connect({ kind, id: freeId(kind) }, failure), {
            class: "primary",
            "aria-label": t("connect.one", { name: kind.display_name }),
            data: { connect: kind.id },
          }),
        button(t(kind.grants_keys ? "connect.paste" : "add"), () => openForm(kind), {
          class: kind.grants_keys ? undefined : "primary",
          "aria-label": t(kind.grants_keys ? "connect.paste.one" : "providers.add.one", {
            name: kind.display_name,
          }),
          data: { add: kind.id },
        }),
        kind.links?.docs && link(kind.links.docs, t("docs")),
      ),
    );
  }

  function openForm(kind, saved) {
    const draftName = `provider.${saved?.id ?? `new.${kind.id}`}`;
    const draft = drafts.get(session.workspace, draftName, {});
    const keep = (change) => drafts.set(session.workspace, draftName, Object.assign(draft, change));
    const isSecond = instances.some((one) => one.id === kind.id);
    const id = h("input", {
      name: "id",
      value: draft.id || (isSecond ? freeId(kind) : ""),
      placeholder: kind.id,
      autocomplete: "off",
      spellcheck: "false",
    });
    id.addEventListener("input", () => keep({ id: id.value }));
    const idBox = field(t("providers.id"), id, { help: t("providers.id.help") });
    const target = h("p", { class: "help", data: { target: "" } });
    const form = fieldForm(kind.fields, {
      saved,
      typed: draft.settings,
      onchange: (settings) => (keep({ settings }), showTarget()),
    });
    const showTarget = () => {
      const url = form.address();
      target.replaceChildren(...(url ? [`${t("providers.target")} `, h("code", {}, url)] : []));
    };
    showTarget();
    const state = h("div", { role: "status" });

    const attempt = async (call) => {
      state.replaceChildren();
      form.show([]);
      idBox.setProblem(null);
      try {
        await call();
      } catch (error) {
        const problems = [...(error.problems ?? [])];
        if (error.code === "duplicate") problems.push({ field: "id", problem: t("providers.id.taken") });
        const rest = form.show(problems);
        const idProblem = rest.find((problem) => problem.field === "id");
        if (idProblem) {
          idBox.setProblem(problemText(idProblem.problem));
          idBox.closest("details").open = true;
          id.focus();
        }
        if (!problems.length || rest.some((problem) => problem !== idProblem))
          (state.replaceChildren(errorBox(error)), state.firstChild.scrollIntoView({ block: "nearest" }));
        else announce(t("problems", { n: problems.length }));
      }
    };
    const save = (event) => {
      event?.preventDefault();
      return attempt(async () => {
        const settings = form.values();
        const done = saved
          ? await api.changeProvider(saved, { settings })
          : await api.addProvider({ kind: kind.id, id: id.value.trim(), settings });
        drafts.set(session.workspace, draftName, undefined);
        const dropped = done?.dropped_secrets ?? [];
        announce(t("saved"));
        forgetCatalogue(session);
        if (dropped.length) {
          state.replaceChildren(
            h("div", { class: "notice warn" }, t("providers.dropped", { fields: dropped.join(", ") })),
          );
        } else {
          box.close();
        }
        await refresh();
        if (!dropped.length) await testSaved({ id: done.provider?.id ?? done.id });
      });
    };
    const test = () =>
      attempt(async () => {
        // The saved key is used for a saved instance, so that only an unchanged form may be tested so.
        const settings = form.values();
        const isChanged = saved && Object.keys(settings).length > 0;
        // The host takes no stored key for settings that are not saved.
        if (isChanged && form.needsSecret()) return form.askForSecret(t("providers.test.key"));
        state.replaceChildren(h("p", { class: "loading" }, t("testing")));
        const call =
          saved && !isChanged
            ? () => api.testSaved(saved)
            : () => api.testUnsaved({ kind: kind.id, settings: { ...saved?.settings, ...settings } });
        state.replaceChildren(report(await call()));
        state.firstChild.scrollIntoView({ block: "nearest" });
      });

    const byApproval = () => {
      const typed = Object.entries(form.values()).filter(
        ([key]) => kind.fields.find((one) => one.key === key)?.kind !== "secret",
      );
      return saved
        ? connect({ kind, id: saved.id }, state)
        : connect({ kind, id: id.value.trim() || freeId(kind), settings: Object.fromEntries(typed) }, state);
    };

    const box = dialog(
      saved ? t("providers.change", { name: saved.id }) : t("providers.add.one", { name: kind.display_name }),
      h(
        "form",
        { class: "stack", onsubmit: save, novalidate: true },
        h(
          "div",
          { class: "row" },
          target,
          kind.links?.key && h("p", { class: "help" }, link(kind.links.key, t("providers.key.where"))),
          kind.grants_keys &&
            button(t(saved ? "connect.anew" : "connect.form"), byApproval, {
              class: "small",
              data: { connect: "" },
            }),
        ),
        form.element,
        !saved &&
          h(
            "details",
            { class: "group", open: isSecond },
            h("summary", {}, t("providers.several")),
            h("div", { class: "fields" }, idBox),
          ),
        state,
        h(
          "footer",
          { class: "actions" },
          button(t("test"), test),
          button(t("save"), save, { class: "primary", data: { save: "" } }),
          // Enter in a field saves, as in any form.
          h("button", { type: "submit", class: "hidden-text", tabindex: "-1", "aria-hidden": "true" }),
        ),
      ),
      { wide: true, closeLabel: t("close") },
    );
  }

  function confirmRemoval(instance) {
    const state = h("div");
    const box = dialog(
      t("providers.remove", { name: instance.id }),
      h(
        "div",
        { class: "stack" },
        h("p", {}, t("providers.remove.lead")),
        state,
        h(
          "footer",
          { class: "actions" },
          button(t("cancel"), () => box.close(), { class: "plain" }),
          button(
            t("remove"),
            async () => {
              try {
                await api.removeProvider(instance);
                reports.delete(instance.id);
                forgetCatalogue(session);
                announce(t("providers.removed", { name: instance.id }));
                box.close();
                refresh();
              } catch (error) {
                state.replaceChildren(errorBox(error));
              }
            },
            { class: "danger" },
          ),
        ),
      ),
      { closeLabel: t("close") },
    );
  }

  return {
    element,
    shown() {
      const query = takeQuery();
      if (query) void finishConnection(query);
      else void refresh();
    },
  };
}

function capabilities(kind) {
  return h(
    "ul",
    { class: "chips", "aria-label": t("capabilities") },
    (kind?.capabilities ?? []).map((one) => h("li", {}, t(`capability.${one}`))),
  );
}

/** A connection test's report: the label of the key, what is left and until when. */
function report(result, { isSaved = false, canRun = false } = {}) {
  if (!result.is_ok) {
    const { message, next_step: next } = result.problem;
    return errorBox({ ...result.problem, message, next });
  }
  const found = result.report ?? {};
  const rows = [
    [t("report.label"), found.label],
    [
      t("report.left"),
      found.limit_remaining !== null && found.limit_remaining !== undefined && usd(found.limit_remaining),
    ],
    [t("report.limit"), found.limit !== null && found.limit !== undefined && shortUsd(found.limit)],
    [t("report.resets"), found.limit_reset && t(`report.resets.${found.limit_reset}`)],
    [t("report.used"), found.usage !== null && found.usage !== undefined && usd(found.usage)],
    [t("report.expires"), found.expires_at && when(found.expires_at)],
  ].filter(([, value]) => value);
  const isBlocked = found.can_run_models === false;
  return h(
    "div",
    { class: isBlocked ? "notice warn" : "notice good" },
    h("strong", {}, isBlocked ? t("report.blocked") : t("report.works")),
    rows.length > 0 &&
      h(
        "dl",
        { class: "facts" },
        rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
      ),
    found.is_free_tier && h("p", {}, t("report.free")),
    !isSaved && h("p", {}, t("report.save")),
    isSaved &&
      canRun &&
      !isBlocked &&
      h(
        "p",
        { class: "notice-actions" },
        goLink("/run", t("report.run")),
        goLink("/compare", t("report.compare")),
        goLink("/models", t("report.models")),
      ),
  );
}
