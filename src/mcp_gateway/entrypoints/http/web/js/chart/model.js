// From a result and a way to draw it, to what is to be drawn: groups along x, series of numbers. No pixels yet.

import { compactNumber, dateGrain, dateOf, dateText, fullNumber, isNumeric, isTemporal, spoken } from "../format.js";

export const MAX_SERIES = 8;
const MAX_BARS = 30;
const MAX_POINTS = 1000;

/**
 * `{kind, groups: [{label, key, time}], series: [{name, values}], left: {groups, series}}`; a value is a number or null.
 * `left` counts what did not fit. `anyOrder`: the rows came in no order of their own, so bars of names go by size. Null when the result cannot be drawn that way.
 */
export function chartModel({ chart, columns, rows, anyOrder = false }) {
  if (!chart || rows.length === 0) return null;
  const at = (name) => columns.findIndex((column) => column.name === name);
  const ys = chart.ys.map(at).filter((index) => index >= 0);
  if (ys.length === 0) return null;
  if (chart.kind === "number") return numberModel(columns, rows, ys);
  const x = at(chart.x);
  if (x < 0) return null;
  const split = chart.series ? at(chart.series) : -1;
  const drawn = split >= 0 ? pivot(rows, x, ys[0], split) : wide(columns, rows, x, ys);
  const groups = ordered(drawn, columns[x], chart.kind);
  const settled = anyOrder && chart.kind === "bar" && columns[x].kind === "text" && !groups.temporal ? bySize(groups) : groups;
  return limited({ kind: chart.kind, xName: spoken(columns[x].name), ...settled }, chart.kind);
}

function numberModel(columns, rows, ys) {
  return { kind: "number", figures: ys.map((index) => ({ name: spoken(columns[index].name), value: rows[0][index] })) };
}

function wide(columns, rows, x, ys) {
  return {
    keys: rows.map((row) => row[x]),
    series: ys.map((y) => ({ name: spoken(columns[y].name), values: rows.map((row) => numberOf(row[y])) })),
  };
}

function pivot(rows, x, y, split) {
  const keys = [...new Map(rows.map((row) => [String(row[x]), row[x]])).values()];
  const places = new Map(keys.map((key, index) => [String(key), index]));
  const series = new Map();
  for (const row of rows) {
    const name = row[split] === null ? "no value" : String(row[split]);
    if (!series.has(name)) series.set(name, { name, values: keys.map(() => null) });
    series.get(name).values[places.get(String(row[x]))] = numberOf(row[y]);
  }
  const largestFirst = [...series.values()].sort((one, other) => total(other.values) - total(one.values));
  return { keys, series: largestFirst };
}

function bySize({ groups, series, ...rest }) {
  const sizes = groups.map((_, index) => total(series.map(({ values }) => values[index])));
  const order = groups.map((_, index) => index).sort((one, other) => sizes[other] - sizes[one]);
  return { ...rest, groups: order.map((index) => groups[index]), series: reordered(series, order) };
}

const total = (values) => values.reduce((sum, value) => sum + (value ?? 0), 0);

function numberOf(value) {
  if (value === null || value === "" || typeof value === "boolean") return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

function ordered({ keys, series }, column, kind) {
  const times = isTemporal(column) || keys.every((key) => typeof key === "string") ? keys.map(dateOf) : keys.map(() => null);
  if (times.every((time) => time !== null)) return alongTime(keys, times, series, column.name);
  const numeric = kind === "line" && isNumeric(column);
  const order = keys.map((_, index) => index);
  if (numeric) order.sort((one, other) => keys[one] - keys[other]);
  const groups = order.map((index) => ({ label: labelOf(keys[index]), position: numeric ? Number(keys[index]) : null }));
  return { groups, temporal: false, series: reordered(series, order) };
}

function alongTime(keys, times, series, name) {
  const order = keys.map((_, index) => index).sort((one, other) => times[one] - times[other]);
  const grain = dateGrain(times, name);
  const groups = order.map((index) => ({ label: dateText(times[index], grain), position: times[index] }));
  return { groups, temporal: true, grain, series: reordered(series, order) };
}

const reordered = (series, order) => series.map(({ name, values }) => ({ name, values: order.map((index) => values[index]) }));

const labelOf = (key) => (key === null ? "no value" : String(key));

function limited(model, kind) {
  const room = kind === "bar" && !model.temporal ? MAX_BARS : MAX_POINTS;
  return {
    ...model,
    groups: model.groups.slice(0, room),
    series: model.series.slice(0, MAX_SERIES).map(({ name, values }) => ({ name, values: values.slice(0, room) })),
    left: { groups: Math.max(0, model.groups.length - room), series: Math.max(0, model.series.length - MAX_SERIES) },
  };
}

/** A sentence that says what the chart shows, for those who do not see it. */
export function describeChart(model) {
  if (model.kind === "number") return model.figures.map(({ name, value }) => `${name}: ${figure(value)}`).join(", ");
  const { series, groups } = model;
  const values = series[0].values.map((value, index) => ({ value, index })).filter(({ value }) => value !== null);
  if (values.length === 0) return "No values to draw.";
  const most = values.reduce((best, item) => (item.value > best.value ? item : best));
  const least = values.reduce((best, item) => (item.value < best.value ? item : best));
  const kind = model.kind === "line" ? "Line chart" : "Bar chart";
  const extent = `from ${groups[0].label} to ${groups.at(-1).label}`;
  const names =
    series.length > 1
      ? `${series.length} series: ${series.map(({ name }) => name).join(", ")}. ${series[0].name}`
      : series[0].name;
  return (
    `${kind}, ${groups.length} values of ${model.xName} ${extent}. ${names}: highest ${compactNumber(most.value)} at ` +
    `${groups[most.index].label}, lowest ${compactNumber(least.value)} at ${groups[least.index].label}.`
  );
}

export const figure = (value) =>
  typeof value === "number" ? fullNumber(Math.round(value * 100) / 100) : value === null ? "no value" : String(value);

/** The drawings that make sense for a result, the suggested one first; empty when only a table does. */
export function possibleKinds(chart, columns, rowCount) {
  if (!chart) return [];
  if (chart.kind === "number" || rowCount < 2) return [chart.kind];
  const column = columns.find(({ name }) => name === chart.x);
  const continuous = column && (isTemporal(column) || isNumeric(column) || chart.kind === "line");
  return chart.kind === "line" ? ["line", "bar"] : continuous ? ["bar", "line"] : ["bar"];
}
