// Elements without a framework: text is always text, never markup.

const SVG = "http://www.w3.org/2000/svg";
const AS_PROPERTY = new Set(["value", "checked", "disabled", "hidden", "open", "indeterminate", "selected"]);

/** Makes an element. `props` are attributes, `on…` for listeners, and `data` for data attributes. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** Makes an SVG element. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.setAttribute("class", value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (AS_PROPERTY.has(name)) element[name] = value;
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

let lastId = 0;

/** An id that no other element has. */
export function newId(prefix = "e") {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** A control with its label, its help and a place for its problem. */
export function field(label, control, { help, required, wide } = {}) {
  control.id ||= newId("field");
  const helpId = `${control.id}-help`;
  const problemId = `${control.id}-problem`;
  control.setAttribute("aria-describedby", [help && helpId, problemId].filter(Boolean).join(" "));
  const problem = h("p", { class: "problem", id: problemId, hidden: true });
  const box = h(
    "div",
    { class: wide ? "field wide" : "field" },
    h(
      "label",
      { for: control.id },
      label,
      required && h("span", { class: "required", "aria-hidden": "true" }, " *"),
    ),
    control,
    help && h("p", { class: "help", id: helpId }, help),
    problem,
  );
  box.setProblem = (text) => {
    problem.textContent = text ?? "";
    problem.hidden = !text;
    control.setAttribute("aria-invalid", text ? "true" : "false");
  };
  return box;
}

/** A select of `[value, label]` pairs. */
export function select(options, value, props) {
  const element = h(
    "select",
    props,
    options.map(([key, label]) => h("option", { value: key }, label)),
  );
  element.value = value ?? "";
  return element;
}

/** A button. While its promise is under way it is busy and cannot be pressed again. */
export function button(label, onclick, props = {}) {
  const element = h("button", { type: "button", ...props }, label);
  element.addEventListener("click", async (event) => {
    if (element.getAttribute("aria-busy") === "true") return;
    const result = onclick?.(event);
    if (typeof result?.then !== "function") return;
    element.setAttribute("aria-busy", "true");
    try {
      await result;
    } finally {
      element.removeAttribute("aria-busy");
    }
  });
  return element;
}

/** A link to another view of the page. The frame follows it without a load. */
export const goLink = (path, label, props = {}) => h("a", { href: path, data: { go: "" }, ...props }, label);

/** A dialog that gives the focus back when it closes. */
export function dialog(title, body, { onclose, wide, closeLabel } = {}) {
  const titleId = newId("dialog");
  const before = document.activeElement;
  const box = h(
    "dialog",
    { class: wide ? "wide" : undefined, "aria-labelledby": titleId },
    h(
      "header",
      {},
      h("h2", { id: titleId }, title),
      closeLabel && button("×", () => box.close(), { class: "plain icon", "aria-label": closeLabel }),
    ),
    body,
  );
  box.addEventListener("close", () => {
    box.remove();
    // A list that was drawn anew meanwhile has other buttons.
    if (before?.isConnected) before.focus();
    else document.querySelector("#main")?.focus({ preventScroll: true });
    onclose?.();
  });
  document.body.append(box);
  box.showModal();
  return box;
}

/** So many rows of a long list are in the page at first, and so many more come when its end comes near. */
const ROWS_AT_ONCE = 60;

/** Draws the rows of a long list as they are scrolled to. */
export function rowsOnDemand(list, items, row) {
  list.moreRows?.disconnect();
  let drawn = 0;
  const more = () => {
    const next = items.slice(drawn, drawn + ROWS_AT_ONCE).map((item, at) => row(item, drawn + at));
    drawn += next.length;
    list.append(...next);
    list.moreRows.disconnect();
    if (drawn < items.length) list.moreRows.observe(list.lastElementChild);
  };
  list.moreRows = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && more(), {
    rootMargin: "800px",
  });
  list.replaceChildren();
  if (items.length) more();
  /** Draws until a row is there. */
  return (at) => {
    while (drawn <= at && drawn < items.length) more();
  };
}

/** Says a sentence to screen readers. */
export function announce(text) {
  const region = document.querySelector("#announcer");
  if (region) region.textContent = text;
}

/** Runs `draw` once in the next frame, however often it is called until then. */
export function oncePerFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    // A hidden tab has no frames, and a stream goes on there.
    const later = document.hidden ? (call) => setTimeout(call, 250) : requestAnimationFrame;
    later(() => {
      waiting = false;
      draw();
    });
  };
}

/** Runs `call` when `wait` milliseconds have passed without another call. */
export function afterTyping(call, wait = 200) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...given), wait);
  };
}

/** Runs `call` when a control's text has rested for `wait` milliseconds, or when the control is left. */
export function onTyping(control, call, wait = 200) {
  let timer;
  control.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => ((timer = null), call()), wait);
  });
  control.addEventListener("change", () => {
    if (!timer) return;
    clearTimeout(timer);
    timer = null;
    call();
  });
}

/** Puts a text on the clipboard, and says so on the button. */
export function copyButton(label, done, text) {
  return button(
    label,
    async (event) => {
      const target = event.currentTarget;
      await navigator.clipboard.writeText(text());
      target.textContent = done;
      announce(done);
      setTimeout(() => (target.textContent = label), 1500);
    },
    { class: "plain small" },
  );
}

/** Hands a text to the browser as a file. */
export function download(name, type, text) {
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
