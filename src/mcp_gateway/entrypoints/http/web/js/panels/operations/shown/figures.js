// Figures beside what they are compared with, as tables; what was not measured is left out.

import { h } from "../../../dom.js";
import { said } from "../../../said.js";
import { atMost, isObject, measure, MOST_SHOWN, objectsOf, spokenName, tag } from "./parts.js";

const STANDINGS = {
  as_usual: ["as usual", ""],
  higher: ["higher", "moved"],
  lower: ["lower", "moved"],
  too_few: ["too few to tell", ""],
  no_baseline: ["nothing to compare with", ""],
};
// What Redis tells of a key that has no time to live.
const NEVER = -1;
const COMPARED = [["value", "now"], ["previous", "window before"], ["usual", "usual"]];

export const isFigure = (value) => isObject(value) && "standing" in value && "value" in value;

const isKnown = (value) => isFigure(value) && value.value !== null;

/** One row for each figure, beside what any of them is compared with; null where none was measured. */
export function figureTable(name, figures) {
  const rows = Object.entries(figures).filter(([, value]) => isKnown(value));
  if (rows.length === 0) return null;
  const columns = COMPARED.filter(([member]) => rows.some(([, figure]) => comparedWith(figure, member) !== null));
  return scroller(
    name,
    ["", ...columns.map(([, words]) => words), ""],
    rows.map(([key, figure]) => [head(key), ...columns.map(([member]) => numberCell(comparedWith(figure, member), figure.unit, key)), standing(figure)]),
  );
}

/** One row for each of a list, such as endpoints, with a column for each figure that any of them has. */
export function matrix(name, rows) {
  const columns = [...new Set(rows.flatMap((row) => Object.entries(row).filter(([, value]) => isKnown(value)).map(([key]) => key)))];
  if (columns.length === 0) return null;
  return scroller(
    name,
    ["", ...columns.map(spokenName), ""],
    rows.slice(0, MOST_SHOWN).map((row) => {
      const called = Object.values(row).find((value) => typeof value === "string") ?? "";
      return [head(called, true), ...columns.map((key) => numberCell(row[key]?.value, row[key]?.unit, key)), standing(row[columns.at(-1)])];
    }),
  );
}

/** Rows as they are, the members of the first as columns. */
export function plainTable(name, rows) {
  const found = objectsOf(rows);
  if (found.length === 0) return null;
  const columns = Object.keys(found[0]).filter((key) => found.some((row) => row[key] !== null && !isObject(row[key])));
  const cell = (value, key) => {
    if (key === "ttl_seconds" && value === NEVER) return h("td", {}, "never expires");
    return typeof value === "string" ? h("td", {}, said(value)) : numberCell(value, "", key);
  };
  return scroller(name, columns.map(spokenName), found.slice(0, MOST_SHOWN).map((row) => columns.map((key) => cell(row[key], key))));
}

const comparedWith = (figure, member) => figure[member] ?? (member === "usual" ? (figure.baseline ?? null) : null);

const head = (name, asItIs = false) => h("th", { scope: "row" }, said(asItIs ? name : spokenName(name)));

const numberCell = (value, unit, name) => h("td", { class: "op-number" }, value === undefined || value === null ? "–" : said(measure(value, unit, name)));

function standing(figure) {
  const [words, tone] = STANDINGS[figure?.standing] ?? ["", ""];
  return h("td", {}, words && tag(words, tone));
}

function scroller(name, columns, rows) {
  return h(
    "div",
    { class: "op-table", tabindex: "0", role: "region", "aria-label": name },
    h("table", {}, h("thead", {}, h("tr", {}, columns.map((words) => (words ? h("th", { scope: "col" }, words) : h("td", {}))))), h("tbody", {}, rows.map((cells) => h("tr", {}, cells)))),
  );
}

/** A list of sentences. */
export const sentences = (lines) => (Array.isArray(lines) && lines.length > 0 ? h("ul", { class: "op-list" }, atMost(lines, (line) => h("li", {}, said(line)))) : null);
