// Markdown of a model as elements. Its text becomes text nodes: no markup of a model is ever parsed as HTML.

import { copyButton, h } from "./dom.js";
import { t } from "./texts.js";

/** Draws Markdown into `target`, and redraws only the blocks that have changed since the last call. */
export function drawMarkdown(target, text) {
  const sources = blocksOf(text);
  const old = target.drawn ?? [];
  sources.forEach((source, at) => {
    if (old[at] === source) return;
    const element = block(source);
    if (target.children[at]) target.children[at].replaceWith(element);
    else target.append(element);
  });
  while (target.children.length > sources.length) target.lastChild.remove();
  target.drawn = sources;
}

/** Cuts a text into its blocks. A fence that is not closed yet runs to the end. */
export function blocksOf(text) {
  const blocks = [];
  let lines = [];
  let fence = null;
  const end = () => {
    if (lines.length) blocks.push(lines.join("\n"));
    lines = [];
  };
  for (const line of text.split("\n")) {
    const mark = line.match(/^ {0,3}(`{3,}|~{3,})/)?.[1];
    if (fence) {
      lines.push(line);
      if (mark && mark[0] === fence[0] && mark.length >= fence.length && line.trim() === mark) {
        fence = null;
        end();
      }
    } else if (mark) {
      end();
      fence = mark;
      lines.push(line);
    } else if (line.trim() === "") {
      // A list goes on after an empty line if what follows is indented or an item.
      if (lines.length && isItem(lines[0])) lines.push(line);
      else end();
    } else if (
      lines.length &&
      isItem(lines[0]) &&
      lines.at(-1).trim() === "" &&
      !isItem(line) &&
      !/^\s{2,}/.test(line)
    ) {
      end();
      lines.push(line);
    } else if (isHeading(line) || isRule(line)) {
      end();
      lines.push(line);
      end();
    } else if (lines.length && isItem(line) && !isItem(lines[0]) && !/^\s*\|/.test(lines[0])) {
      end();
      lines.push(line);
    } else {
      lines.push(line);
    }
  }
  end();
  return blocks;
}

const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const isItem = (line) => ITEM.test(line) && !isRule(line);
const isHeading = (line) => /^ {0,3}#{1,6}\s/.test(line);
const isRule = (line) => /^ {0,3}([-*_])(\s*\1){2,}\s*$/.test(line);

function block(source) {
  const lines = source.split("\n");
  const first = lines[0];
  const fence = first.match(/^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)/);
  if (fence) {
    const closed = lines.length > 1 && lines.at(-1).trim().startsWith(fence[1]);
    return code(lines.slice(1, closed ? -1 : undefined).join("\n"), fence[2]);
  }
  if (isRule(first)) return h("hr");
  if (isHeading(first)) {
    const [, marks, words] = first.match(/^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/) ?? [null, "#", first];
    // The page itself has the first levels.
    return h(`h${Math.min(marks.length + 2, 6)}`, {}, inline(words));
  }
  if (/^\s*>/.test(first)) {
    const quote = h("blockquote");
    quote.append(...blocksOf(lines.map((line) => line.replace(/^\s*> ?/, "")).join("\n")).map(block));
    return quote;
  }
  if (isItem(first)) return list(lines);
  if (
    lines.length > 1 &&
    first.includes("|") &&
    /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[1])
  ) {
    return table(lines);
  }
  const math = source.match(/^\s*(?:\$\$|\\\[)([\s\S]*?)(?:\$\$|\\\])\s*$/);
  if (math) return h("pre", { class: "math", tabindex: "0" }, math[1].trim());
  return h("p", {}, inline(source));
}

/** A block of code with a button that copies it. */
export function code(text, language) {
  return h(
    "figure",
    { class: "code" },
    h(
      "figcaption",
      {},
      h("span", {}, language || t("code")),
      copyButton(t("copy"), t("copied"), () => text),
    ),
    h("pre", { tabindex: "0" }, h("code", {}, text)),
  );
}

function list(lines) {
  const [, indent, mark] = lines[0].match(ITEM);
  const isOrdered = /\d/.test(mark);
  const element = h(isOrdered ? "ol" : "ul", {
    start: isOrdered ? String(Number.parseInt(mark, 10)) : undefined,
  });
  let item = [];
  const end = () => {
    if (!item.length) return;
    const [words, ...rest] = item;
    const least = Math.min(...rest.filter((line) => line.trim()).map((line) => line.search(/\S/)), 99);
    const task = words.match(/^\[([ xX])\]\s+(.*)$/);
    const inner = h("li", {}, task && (task[1] === " " ? "☐ " : "☑ "), inline(task ? task[2] : words));
    inner.append(...blocksOf(rest.map((line) => line.slice(least)).join("\n")).map(block));
    element.append(inner);
    item = [];
  };
  for (const line of lines) {
    const found = isItem(line) && line.match(ITEM);
    if (found && found[1].length <= indent.length + 1) {
      end();
      item = [found[3]];
    } else {
      item.push(line);
    }
  }
  end();
  return element;
}

function table(lines) {
  const cells = (line) =>
    line
      .trim()
      .replace(/^\||\|$/g, "")
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replace(/\\\|/g, "|"));
  const [head, , ...rows] = lines;
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
          cells(head).map((cell) => h("th", { scope: "col" }, inline(cell))),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            cells(row).map((cell) => h("td", {}, inline(cell))),
          ),
        ),
      ),
    ),
  );
}

// Code, math, images and links, strong, emphasis, struck, bare links. Each alternative is linear.
const INLINE =
  /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|(\$[^$\s](?:[^$\n]*[^$\s])?\$(?!\d)|\\\([^\n]*?\\\))|!?\[([^\]\n]*)\]\(([^()\s]+)(?:\s+"[^"\n]*")?\)|\*\*(?=\S)([^*\n]+(?:\*[^*\n]+\*[^*\n]*)?)\*\*|__(?=\S)([^_\n]+)__|\*(?=\S)([^*\n]+)\*|(?<![\w])_(?=\S)([^_\n]+)_(?!\w)|~~([^~\n]+)~~|(https?:\/\/[^\s<>()"'`]+[^\s<>()"'`.,;:!?])/g;

/** The elements of a line. */
export function inline(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > at) parts.push(plain(text.slice(at, found.index)));
    at = found.index + found[0].length;
    const [whole, , codeText, math, label, url, strong, strong2, em, em2, struck, bare] = found;
    if (codeText !== undefined) parts.push(h("code", {}, codeText.trim() || codeText));
    else if (math) parts.push(h("span", { class: "math" }, whole));
    else if (url) parts.push(link(url, label || url));
    else if (strong ?? strong2) parts.push(h("strong", {}, inline(strong ?? strong2)));
    else if (em ?? em2) parts.push(h("em", {}, inline(em ?? em2)));
    else if (struck) parts.push(h("s", {}, inline(struck)));
    else if (bare) parts.push(link(bare, bare));
  }
  if (at < text.length) parts.push(plain(text.slice(at)));
  return parts;
}

function plain(text) {
  const lines = text.replace(/\\([\\`*_{}[\]()#+\-.!|~$])/g, "$1").split(/ {2,}\n|\\\n/);
  return lines.flatMap((line, at) => (at ? [h("br"), line] : [line]));
}

/** A link, if its scheme is harmless. It opens elsewhere, and does not say where it was followed from. */
export function link(url, label) {
  if (!/^(https?:|mailto:)/i.test(url)) return label;
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, label);
}
