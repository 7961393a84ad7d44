// Spending by day, stacked by model: an SVG, and the same as a table for those who read it otherwise.

import { h, s } from "./dom.js";
import { shortUsd, sum, usd } from "./format.js";
import { language, t } from "./texts.js";

/** So many models have a colour of their own; the others are one. */
const COLOURS = 6;
const [HEIGHT, LEFT, BOTTOM, TOP] = [220, 74, 24, 12];
/** A label of the days' axis needs so much room. */
const LABEL = 46;

/** The plot of the host's sums by day, provider and model. It is drawn for the width that it has. */
export function spendPlot({ from, to, days: rows }) {
  const isOneProvider = new Set(rows.map((row) => row.provider)).size < 2;
  const nameOf = (row) => (isOneProvider ? row.model : `${row.provider}:${row.model}`);
  const costs = new Map();
  for (const row of rows) costs.set(nameOf(row), [...(costs.get(nameOf(row)) ?? []), row.totals.cost]);
  const totals = new Map([...costs].map(([name, all]) => [name, sum(all)]));
  const names = [...totals]
    .filter(([, total]) => Number(total) > 0)
    .sort((a, b) => Number(b[1]) - Number(a[1]))
    .map(([name]) => name);
  const own = names.slice(0, COLOURS);
  const rest = names.slice(COLOURS);
  if (rest.length) totals.set(t("costs.others"), sum(rest.map((name) => totals.get(name))));
  const series = rest.length ? [...own, t("costs.others")] : own;
  const days = daysBetween(from, to);
  const sums = new Map(days.map((day) => [day, new Map(series.map((name) => [name, []]))]));
  for (const row of rows) {
    const name = own.includes(nameOf(row)) ? nameOf(row) : t("costs.others");
    // Models that cost nothing have no colour.
    sums.get(row.day)?.get(name)?.push(row.totals.cost);
  }
  const cell = (day, name) => sum(sums.get(day).get(name));
  const most = Math.max(...days.map((day) => Number(sum([...sums.get(day).values()].flat()))));
  if (!(most > 0)) return h("p", { class: "empty" }, t("costs.none"));

  const format = new Intl.DateTimeFormat(language(), { month: "numeric", day: "numeric", timeZone: "UTC" });
  const short = (day) => format.format(new Date(day));
  const place = h("div", { class: "plot-area" });
  const data = { days, series, cell, most, short, total: sum([...costs.values()].flat()) };
  let drawn = 0;
  new ResizeObserver(() => {
    const width = Math.round(place.clientWidth);
    if (!width || width === drawn) return;
    drawn = width;
    place.replaceChildren(drawing(width, data));
  }).observe(place);
  return h(
    "figure",
    { class: "plot" },
    place,
    h(
      "ul",
      { class: "legend" },
      series.map((name, colour) =>
        h(
          "li",
          {},
          s(
            "svg",
            { viewBox: "0 0 10 10", "aria-hidden": "true" },
            s("rect", { width: 10, height: 10, class: `bar-${colour}` }),
          ),
          h("span", {}, name),
          h("span", { class: "help" }, shortUsd(totals.get(name))),
        ),
      ),
    ),
    h("details", {}, h("summary", {}, t("costs.table")), table(data)),
  );
}

function drawing(width, { days, series, cell, most, short, total }) {
  const high = HEIGHT - BOTTOM - TOP;
  const step = (width - LEFT) / days.length;
  const every = Math.ceil(LABEL / step);
  const bars = days.flatMap((day, at) => {
    let top = HEIGHT - BOTTOM;
    return series.map((name, colour) => {
      const amount = cell(day, name);
      const size = (Number(amount) / most) * high;
      if (!(size > 0)) return null;
      top -= size;
      return s(
        "rect",
        {
          x: LEFT + at * step + step * 0.15,
          y: top,
          width: step * 0.7,
          height: Math.max(size, 1),
          class: `bar-${colour}`,
        },
        s("title", {}, `${short(day)} · ${name}: ${usd(amount)}`),
      );
    });
  });
  const lines = [0, 0.5, 1].map((share) => {
    const y = HEIGHT - BOTTOM - share * high;
    return [
      s("line", { x1: LEFT, x2: width, y1: y, y2: y, class: "grid" }),
      s("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, shortUsd(most * share)),
    ];
  });
  const labels = days.map((day, at) => {
    if ((days.length - 1 - at) % every) return null;
    const middle = LEFT + (at + 0.5) * step;
    // The label of a narrow last day ends with the plot.
    const isCut = middle + LABEL / 2 > width;
    const place = isCut ? { x: width, "text-anchor": "end" } : { x: middle, "text-anchor": "middle" };
    return s("text", { ...place, y: HEIGHT - 6 }, short(day));
  });
  return s(
    "svg",
    {
      viewBox: `0 0 ${width} ${HEIGHT}`,
      width,
      height: HEIGHT,
      role: "img",
      "aria-label": t("costs.plot", { total: usd(total) }),
    },
    lines,
    bars,
    labels,
  );
}

function table({ days, series, cell, short }) {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": t("costs.table") },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, t("costs.day")),
          series.map((name) => h("th", { scope: "col", class: "number" }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        days.map((day) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, short(day)),
            series.map((name) => h("td", { class: "number" }, usd(cell(day, name)))),
          ),
        ),
      ),
    ),
  );
}

/** All days of a span, both ends included. */
function daysBetween(from, to) {
  const days = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += 86_400_000) {
    days.push(new Date(at).toISOString().slice(0, 10));
  }
  return days;
}
