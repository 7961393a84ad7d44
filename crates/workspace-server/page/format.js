// Numbers, times and money as people read them.

import { has, language, t } from "./texts.js";

/** A decimal string times ten to the `shift`, exactly. */
export function shifted(decimal, shift) {
  const [, sign, whole, fraction = "", exponent = "0"] =
    String(decimal).match(/^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i) ?? [];
  if (whole === undefined) return String(decimal);
  const digits = whole + fraction;
  const point = whole.length + Number(exponent) + shift;
  const padded = point <= 0 ? "0".repeat(1 - point) + digits : digits.padEnd(point, "0");
  const cut = Math.max(point, 1);
  const left = padded.slice(0, cut).replace(/^0+(?=\d)/, "");
  const right = padded.slice(cut).replace(/0+$/, "");
  return `${sign}${left}${right && `.${right}`}`;
}

/** The exact sum of decimal strings; those that are missing count as nothing. */
export function sum(decimals) {
  const parts = decimals
    .filter((one) => (one ?? null) !== null)
    .map((one) => shifted(one, 0).match(/^(-?\d+)(?:\.(\d+))?$/))
    .filter(Boolean);
  const places = Math.max(0, ...parts.map(([, , fraction = ""]) => fraction.length));
  const total = parts.reduce(
    (all, [, whole, fraction = ""]) => all + BigInt(whole + fraction.padEnd(places, "0")),
    0n,
  );
  return shifted(String(total), -places);
}

/** An exact amount of US dollars. */
export function usd(amount) {
  if (amount === null || amount === undefined) return "–";
  const exact = shifted(amount, 0);
  const [whole, fraction = ""] = exact.split(".");
  return `$${whole}.${fraction.padEnd(2, "0")}`;
}

/** An amount for an axis or a total: four digits that count. The exact one belongs into the title. */
export function shortUsd(amount) {
  const number = Number(amount);
  if (!Number.isFinite(number)) return "–";
  if (number === 0) return "$0";
  if (number >= 1) return `$${number.toFixed(2)}`;
  return `$${shifted(number.toPrecision(3), 0)}`;
}

/** A count with the language's separators. */
export const count = (number) =>
  (number ?? null) === null ? "–" : new Intl.NumberFormat(language()).format(number);

/** A count of tokens in short: 128K. */
export function tokens(number) {
  if ((number ?? null) === null) return "–";
  if (number >= 1_000_000) return `${trim(number / 1_000_000)}M`;
  if (number >= 1000) return `${trim(number / 1000)}K`;
  return String(number);
}

const trim = (number) => number.toFixed(number < 10 ? 1 : 0).replace(/\.0$/, "");

/** The tokens of a prompt and of its answer. */
export const tokensOf = ({ prompt_tokens: prompt, completion_tokens: answer }) =>
  (prompt ?? answer ?? null) === null ? "–" : `${count(prompt)} + ${count(answer)}`;

/** The word for why an answer ended, or the service's own where the page has none. */
export const finishOf = (word) => (has(`finish.${word}`) ? t(`finish.${word}`) : word);

/** A span in milliseconds. */
export function milliseconds(ms) {
  if ((ms ?? null) === null) return "–";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** A time of the store (seconds, milliseconds, or a text) as a date. */
export function date(value) {
  if (typeof value === "number") return new Date(value < 1e11 ? value * 1000 : value);
  return new Date(value);
}

/** A date and time. */
export function when(value) {
  if ((value ?? null) === null) return "–";
  const at = date(value);
  if (Number.isNaN(at.getTime())) return String(value);
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(at);
}

/** A day. */
export function day(value) {
  const at = date(value);
  if (Number.isNaN(at.getTime())) return String(value);
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium" }).format(at);
}
