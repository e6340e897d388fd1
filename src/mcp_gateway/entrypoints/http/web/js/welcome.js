// The page before the first question: what it is connected to, and questions to start with.

import { h, icon, replaceContent } from "./dom.js";
import { counted } from "./format.js";

/** Draws the greeting into `element`; `schema` null while it is not known yet. */
export function drawWelcome(element, schema, onAsk) {
  const largest =
    schema &&
    [...schema.tables].filter(({ row_count: rows }) => rows !== null).sort((one, other) => other.row_count - one.row_count)[0];
  replaceContent(
    element,
    h("h1", {}, "Ask your tables."),
    h(
      "p",
      { class: "welcome-lead" },
      "A plain question goes in. Out come a checked answer, its SQL, and how every word was understood.",
    ),
    schema &&
      h(
        "p",
        { class: "welcome-facts" },
        icon("table"),
        `${counted(schema.tables.length, "table")} in ${schema.dialect}`,
        largest && `, the largest with ${counted(largest.row_count, "row")} (${largest.name})`,
      ),
    schema &&
      h(
        "ul",
        { class: "examples", "aria-label": "Example questions" },
        examplesFor(schema).map((question) =>
          h(
            "li",
            {},
            h("button", { type: "button", on: { click: () => onAsk(question) } }, h("span", {}, question), icon("right")),
          ),
        ),
      ),
  );
}

/** The gateway's own examples, or some made of the names at hand. */
export function examplesFor(schema) {
  if (schema.examples?.length > 0) return schema.examples.slice(0, 6);
  const tables = schema.tables
    .filter(({ is_view: view }) => !view)
    .sort((one, other) => (other.row_count ?? 0) - (one.row_count ?? 0));
  const metrics = (schema.words ?? []).filter(({ kind }) => kind === "metric").map(({ words }) => words[0]);
  const spoken = (name) => name.split(".").at(-1).replaceAll("_", " ").toLowerCase();
  const grouped = tables.flatMap(({ name, columns, row_count: rows }) => {
    const repeats = (count) => count > 1 && count < 30 && (rows === null || 2 * count <= rows);
    const text = columns.find(({ kind, distinct_count: count }) => kind === "text" && repeats(count));
    return text ? [`how many ${spoken(name)} by ${spoken(text.name)}`] : [];
  });
  return [
    ...metrics.slice(0, 2).map((metric) => `${metric} by month`),
    ...grouped.slice(0, 3),
    ...tables.slice(0, 4).map(({ name }) => `how many ${spoken(name)} are there?`),
  ].slice(0, 6);
}
