// The way of one figure over a window, from zero up, so that a small change does not look like a large one.

import { h, s } from "../../../dom.js";
import { measure, moment, objectsOf } from "./parts.js";

const [TREND_WIDTH, TREND_HEIGHT, TREND_EDGE] = [640, 96, 6];

/** `{title, unit, points: [{at, value}]}`, the oldest point first. */
export function trendOf({ title, unit, points }) {
  const found = objectsOf(points).filter(({ value }) => Number.isFinite(value));
  if (found.length < 2) return h("p", { class: "op-why" }, `${title}: too few looks for a line yet.`);
  const values = found.map(({ value }) => value);
  const [low, high] = [Math.min(...values, 0), Math.max(...values, 0) || 1];
  const x = (index) => TREND_EDGE + (index / (found.length - 1)) * (TREND_WIDTH - 2 * TREND_EDGE);
  const y = (value) => TREND_HEIGHT - TREND_EDGE - ((value - low) / (high - low)) * (TREND_HEIGHT - 2 * TREND_EDGE);
  const line = values.map((value, index) => `${index ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const words = `lowest ${measure(Math.min(...values), unit)}, highest ${measure(Math.max(...values), unit)}, last ${measure(values.at(-1), unit)}`;
  return h(
    "figure",
    { class: "op-trend" },
    h("figcaption", {}, h("b", {}, title), ` · ${words}`),
    s(
      "svg",
      { viewBox: `0 0 ${TREND_WIDTH} ${TREND_HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${title}: ${words}` },
      s("path", { class: "op-trend-zero", d: `M0 ${y(0).toFixed(1)}H${TREND_WIDTH}` }),
      s("path", { class: "op-trend-area", d: `${line}L${x(found.length - 1)} ${y(0).toFixed(1)}L${x(0)} ${y(0).toFixed(1)}Z` }),
      s("path", { class: "op-trend-line", d: line }),
    ),
    h("p", { class: "op-trend-ends" }, h("span", {}, moment(found[0].at)), h("span", {}, moment(found.at(-1).at))),
  );
}
