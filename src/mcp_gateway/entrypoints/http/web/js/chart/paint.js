// Draws a chart model as SVG. Colours and fonts come from chart.css by class, so nothing here needs inline style.

import { s } from "../dom.js";
import { axisTexts, compactNumber } from "../format.js";
import { labelStride, linear, niceTicks } from "./scale.js";

// Average width of a digit or letter at the axis font size of 12 px; generous, so that labels never touch.
const LETTER = 7;
const LINE_HEIGHT = 300;

/**
 * `{svg, zones, plot, horizontal}`: `zones[i]` is where group i lies along its axis: `{from, to, centre}` in pixels.
 */
export function paintChart(model, width) {
  if (model.kind === "line") return paintLines(model, width);
  return liesDown(model, width) ? paintLyingBars(model, width) : paintStandingBars(model, width);
}

/** Named things read best lying; moments and few short names stand. */
function liesDown(model, width) {
  if (model.temporal) return model.groups.length > width / 14;
  const longest = Math.max(...model.groups.map(({ label }) => label.length));
  return model.groups.length > 8 || longest * LETTER > width / model.groups.length - 10;
}

function canvas(width, height, ...children) {
  return s("svg", { class: "chart-svg", viewBox: `0 0 ${width} ${height}`, width, height, role: "img" }, children);
}

function valueRange(model) {
  const values = model.series.flatMap(({ values: all }) => all).filter((value) => value !== null);
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  return { low, high, all: values };
}

function lineRange(model) {
  const { low, high, all } = valueRange(model);
  const smallest = Math.min(...all);
  const largest = Math.max(...all);
  // A line may leave zero out when the movement would vanish otherwise; a bar never may.
  const flat = smallest > 0 && largest - smallest < largest * 0.25;
  return flat ? { low: smallest - (largest - smallest) * 0.5, high: largest } : { low, high };
}

function verticalFrame(model, width, range) {
  const height = width < 480 ? 240 : LINE_HEIGHT;
  const ticks = niceTicks(range.low, range.high, height / 62);
  const labels = axisTexts(ticks);
  const left = Math.max(...labels.map((label) => label.length)) * LETTER + 12;
  const plot = { left, right: width - 14, top: 14, bottom: height - 34 };
  const y = linear(ticks[0], ticks.at(-1), plot.bottom, plot.top);
  const grid = ticks.map((tick, index) => [
    s("line", { class: tick === 0 ? "chart-zero" : "chart-grid", x1: plot.left, x2: plot.right, y1: y(tick), y2: y(tick) }),
    s("text", { class: "chart-tick", x: left - 8, y: y(tick), dy: "0.35em", "text-anchor": "end" }, labels[index]),
  ]);
  return { height, plot, y, grid };
}

function bottomLabels(groups, centres, plot) {
  const longest = Math.max(...groups.map(({ label }) => label.length));
  const stride = labelStride(groups.length, longest * LETTER + 14, plot.right - plot.left);
  return groups.map(({ label }, index) => {
    if (index % stride !== 0) return null;
    const half = (label.length * LETTER) / 2;
    const anchor = centres[index] - half < plot.left - 30 ? "start" : centres[index] + half > plot.right + 14 ? "end" : "middle";
    const x = anchor === "end" ? plot.right + 12 : centres[index];
    return s("text", { class: "chart-tick", x, y: plot.bottom + 22, "text-anchor": anchor }, label);
  });
}

function paintStandingBars(model, width) {
  const { height, plot, y, grid } = verticalFrame(model, width, valueRange(model));
  const band = (plot.right - plot.left) / model.groups.length;
  const gap = Math.min(18, band * 0.26);
  const thick = Math.min(64, (band - gap) / model.series.length);
  const centres = model.groups.map((_, index) => plot.left + band * (index + 0.5));
  const bars = model.series.map(({ values }, order) =>
    values.map((value, index) => {
      if (value === null) return null;
      const x = centres[index] + (order - model.series.length / 2) * thick;
      return bar({ x, y: y(Math.max(0, value)), width: Math.max(1, thick - 1), height: Math.abs(y(value) - y(0)), order, index });
    }),
  );
  const zones = centres.map((centre) => ({ from: centre - band / 2, to: centre + band / 2, centre }));
  const svg = canvas(width, height, grid, bars, bottomLabels(model.groups, centres, plot));
  return { svg, zones, plot, horizontal: false };
}

function paintLyingBars(model, width) {
  const count = model.series.length;
  const thick = count > 1 ? Math.max(7, 20 / count + 3) : 18;
  const band = thick * count + (count > 1 ? 14 : model.groups.length > 12 ? 7 : 12);
  const foot = count > 1 ? 28 : 8;
  const height = band * model.groups.length + foot + 6;
  const letters = Math.max(...model.groups.map(({ label }) => label.length));
  const left = Math.min(letters * LETTER, Math.floor(width * 0.36)) + 14;
  const range = valueRange(model);
  const plot = { left, right: width - (count > 1 ? 16 : 62), top: 6, bottom: height - foot };
  const { x, grid } = count > 1 ? lyingAxis(range, plot) : unmarkedAxis(range, plot);
  const centres = model.groups.map((_, index) => plot.top + band * (index + 0.5));
  const names = model.groups.map(({ label }, index) =>
    s(
      "text",
      { class: "chart-name", x: left - 10, y: centres[index], dy: "0.35em", "text-anchor": "end" },
      shortened(label, (left - 14) / LETTER),
    ),
  );
  const bars = model.series.map(({ values }, order) =>
    values.map((value, index) => {
      if (value === null) return null;
      const y = centres[index] + (order - count / 2) * thick;
      return [
        bar({ x: x(Math.min(0, value)), y, width: Math.abs(x(value) - x(0)), height: thick - 1, order, index }),
        count === 1 &&
          s(
            "text",
            { class: "chart-value", x: x(Math.max(0, value)) + 7, y: centres[index], dy: "0.35em" },
            compactNumber(value),
          ),
      ];
    }),
  );
  const zones = centres.map((centre) => ({ from: centre - band / 2, to: centre + band / 2, centre }));
  return { svg: canvas(width, height, grid, names, bars), zones, plot, horizontal: true };
}

function lyingAxis({ low, high }, plot) {
  const ticks = niceTicks(low, high, Math.max(2, (plot.right - plot.left) / 110));
  const x = linear(ticks[0], ticks.at(-1), plot.left, plot.right);
  const labels = axisTexts(ticks);
  const grid = ticks.map((tick, place) => [
    s("line", { class: tick === 0 ? "chart-zero" : "chart-grid", x1: x(tick), x2: x(tick), y1: plot.top, y2: plot.bottom }),
    s("text", { class: "chart-tick", x: x(tick), y: plot.bottom + 18, "text-anchor": "middle" }, labels[place]),
  ]);
  return { x, grid };
}

/** Each bar says its own value, so the axis need not. */
function unmarkedAxis({ low, high }, plot) {
  const x = linear(low, high, plot.left, plot.right);
  return { x, grid: s("line", { class: "chart-zero", x1: x(0), x2: x(0), y1: plot.top, y2: plot.bottom }) };
}

const bar = ({ order, index, ...box }) => s("rect", { class: `chart-bar series-${order}`, rx: 2, ...box, "data-group": index });

const shortened = (label, letters) =>
  label.length > letters + 1 ? `${label.slice(0, Math.max(3, Math.floor(letters) - 1))}…` : label;

function paintLines(model, width) {
  const { height, plot, y, grid } = verticalFrame(model, width, lineRange(model));
  const positions = model.groups.map(({ position }, index) => position ?? index);
  const x = linear(positions[0], positions.at(-1), plot.left + 10, plot.right - 10);
  const centres = positions.length === 1 ? [(plot.left + plot.right) / 2] : positions.map(x);
  const lines = model.series.map(({ values }, order) => {
    const points = values.map((value, index) => (value === null ? null : [centres[index], y(value)]));
    const dots = points.length <= 36 ? points : points.filter((point, index) => point && alone(points, index));
    return s(
      "g",
      { class: `chart-series series-${order}` },
      model.series.length === 1 && s("path", { class: "chart-area", d: areaPath(points, plot.bottom) }),
      s("path", { class: "chart-line", d: linePath(points) }),
      dots.map((point) => point && s("circle", { class: "chart-dot", cx: point[0], cy: point[1], r: 3 })),
    );
  });
  const zones = centres.map((centre, index) => ({
    from: index === 0 ? plot.left : (centres[index - 1] + centre) / 2,
    to: index === centres.length - 1 ? plot.right : (centres[index + 1] + centre) / 2,
    centre,
  }));
  return {
    svg: canvas(width, height, grid, lines, bottomLabels(model.groups, centres, plot)),
    zones,
    plot,
    horizontal: false,
    y,
  };
}

// A gap on both sides: without a dot the value would not be seen at all.
const alone = (points, index) => !points[index - 1] && !points[index + 1];

/** A missing value breaks the line instead of being bridged. */
export const linePath = (points) => runsOf(points).map(pathOf).join("");

function areaPath(points, bottom) {
  const areas = runsOf(points).map((run) => [[run[0][0], bottom], ...run, [run.at(-1)[0], bottom]]);
  return areas.map((corners) => `${pathOf(corners)}Z`).join("");
}

const pathOf = (run) => `M${run.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}`;

function runsOf(points) {
  const runs = [];
  let run = [];
  for (const point of [...points, null]) {
    if (point) run.push(point);
    else if (run.length > 0) {
      runs.push(run);
      run = [];
    }
  }
  return runs;
}

const round = (number) => Math.round(number * 10) / 10;
