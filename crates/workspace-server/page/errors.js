// An error as a person needs it: the sentence of the host, and the step that comes next.

import { button, h } from "./dom.js";
import { has, t } from "./texts.js";

/** The element for an error. `retry` is offered when trying again may help. */
export function errorBox(error, { retry } = {}) {
  const code = error.code ?? "internal";
  const next = error.next ?? (has(`next.${code}`) ? t(`next.${code}`) : t("next.internal"));
  const title = has(`error.${code}`) ? t(`error.${code}`) : t("error.internal");
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("strong", {}, title),
    error.message && h("p", { class: "said" }, error.message),
    error.problems?.length > 0 &&
      h(
        "ul",
        {},
        error.problems.map(({ field, problem }) => h("li", {}, h("code", {}, field), ` ${problem}`)),
      ),
    h("p", {}, next, error.retryAfter ? ` ${t("retry.after", { seconds: error.retryAfter })}` : ""),
    retry && button(t("retry"), retry, { class: "small" }),
  );
}

/** Fills `box` by `load`: a skeleton meanwhile, and an error with a way to try again. */
export async function loadInto(box, load) {
  box.setAttribute("aria-busy", "true");
  if (!box.childElementCount) box.replaceChildren(h("p", { class: "loading" }, t("loading")));
  try {
    const content = await load();
    box.replaceChildren(...[content].flat(Infinity).filter(Boolean));
  } catch (error) {
    if (error.name === "AbortError") return;
    box.replaceChildren(errorBox(error, { retry: () => loadInto(box, load) }));
  } finally {
    box.removeAttribute("aria-busy");
  }
}
