// What there is to ask about: tables with columns, keys and samples, and the business words. A click inserts the name.

import { freshId, h, icon, replaceContent } from "../dom.js";
import { compactNumber, counted } from "../format.js";
import { kindClass } from "../answer/question.js";

const MOST_SAMPLES = 6;
// What one asks for comes first, what merely renames comes last.
const WORD_GROUPS = [
  ["metric", "Metrics"],
  ["condition", "Conditions"],
  ["period", "Periods"],
  ["entity", "Things"],
  ["column", "Columns"],
  ["table", "Tables"],
  ["", "Other words"],
];
const KNOWN_KINDS = new Set(WORD_GROUPS.map(([kind]) => kind));

/** Draws the schema into `element`; `onInsert(text)` is called with the name clicked. */
export function drawSchema(element, schema, onInsert) {
  const search = h("input", {
    type: "search",
    class: "text-field",
    placeholder: "Find a table, column or word",
    "aria-label": "Find a table, column or word",
    autocomplete: "off",
  });
  const keys = keysByColumn(schema.foreign_keys ?? []);
  const tables = schema.tables.map((table) => tableEntry(table, keys, onInsert));
  const words = (schema.words ?? []).map((word) => wordEntry(word, onInsert));
  const none = h("p", { class: "side-empty", hidden: true }, "Nothing has that name.");
  const groups = wordGroups(words);

  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    const shown = [...tables, ...words].filter((entry) => entry.filter(wanted)).length;
    none.hidden = shown > 0;
    for (const { element: group, entries } of groups) group.hidden = entries.every(({ element: node }) => node.hidden);
  });
  replaceContent(
    element,
    search,
    h("p", { class: "side-summary" }, `${counted(schema.tables.length, "table")} · ${schema.dialect}`),
    (schema.missing_servers ?? []).map((name) =>
      h("p", { class: "side-warning" }, icon("alert"), `${name} does not answer; its words are missing.`),
    ),
    h(
      "ul",
      { class: "tables" },
      tables.map(({ element: node }) => node),
    ),
    groups.map(({ element: group }) => group),
    none,
  );
}

function wordGroups(words) {
  return WORD_GROUPS.map(([kind, title]) => ({ title, entries: words.filter((word) => word.kind === kind) }))
    .filter(({ entries }) => entries.length > 0)
    .map(({ title, entries }) => ({
      entries,
      element: h(
        "section",
        {},
        h("h3", { class: "side-title" }, title),
        h(
          "ul",
          { class: "glossary" },
          entries.map(({ element: node }) => node),
        ),
      ),
    }));
}

function keysByColumn(foreignKeys) {
  const targets = new Map();
  for (const { table, columns, target_table: target, target_columns: targetColumns, inferred } of foreignKeys) {
    columns.forEach((column, index) => targets.set(`${table}.${column}`, { to: `${target}.${targetColumns[index]}`, inferred }));
  }
  return targets;
}

function tableEntry(table, keys, onInsert) {
  const listId = freshId("columns");
  let list = null;
  const size = table.row_count === null ? "" : compactNumber(table.row_count);
  const place = h("div", { id: listId, hidden: true });
  const toggle = h(
    "button",
    {
      type: "button",
      class: "table-toggle",
      "aria-expanded": "false",
      "aria-controls": listId,
      on: { click: () => open(place.hidden) },
    },
    icon("chevron"),
    h("span", { class: "table-name" }, table.name),
    table.is_view && h("span", { class: "tag" }, "view"),
    h("span", { class: "table-size", title: table.row_count === null ? null : counted(table.row_count, "row") }, size),
  );
  const insert = insertButton(table.name, onInsert);
  const element = h("li", { class: "table-entry" }, h("div", { class: "table-head" }, toggle, insert), place);

  function open(wanted) {
    // Built when first seen: a database may have thousands of columns.
    list ??= columnList(table, keys, onInsert);
    if (!place.firstChild) place.append(list);
    place.hidden = !wanted;
    toggle.setAttribute("aria-expanded", String(wanted));
  }

  const haystack = [table.name, table.comment ?? "", ...table.columns.map(({ name }) => name)].join("\n").toLowerCase();
  return {
    element,
    filter(wanted) {
      element.hidden = !haystack.includes(wanted);
      if (wanted && !element.hidden) open(!table.name.toLowerCase().includes(wanted));
      if (!wanted) open(false);
      for (const node of place.querySelectorAll(".column"))
        node.classList.toggle("is-found", wanted !== "" && node.dataset.name.includes(wanted));
      return !element.hidden;
    },
  };
}

function columnList(table, keys, onInsert) {
  return h(
    "div",
    {},
    table.comment && h("p", { class: "table-comment" }, table.comment),
    h(
      "ul",
      { class: "columns" },
      table.columns.map((column) => {
        const key = keys.get(`${table.name}.${column.name}`);
        const samples = (column.samples ?? [])
          .filter((value) => value !== null)
          .slice(0, MOST_SAMPLES)
          .map(String);
        return h(
          "li",
          { class: "column", "data-name": column.name.toLowerCase() },
          h(
            "button",
            { type: "button", class: "column-name", title: `Insert ${column.name}`, on: { click: () => onInsert(column.name) } },
            h("span", {}, column.name),
            table.primary_key.includes(column.name) && h("span", { class: "tag tag-key", title: "Primary key" }, "key"),
            h("span", { class: "column-type" }, column.type),
          ),
          key && h("p", { class: "column-fact" }, icon("link"), key.to, key.inferred && " (inferred)"),
          column.comment && h("p", { class: "column-fact" }, column.comment),
          samples.length > 0 && h("p", { class: "column-fact column-samples" }, samples.map(shortened).join(" · ")),
        );
      }),
    ),
  );
}

const shortened = (text) => (text.length > 28 ? `${text.slice(0, 27)}…` : text);

function wordEntry({ kind, words, means, table, column }, onInsert) {
  const place = [table, column].filter(Boolean).join(".");
  const element = h(
    "li",
    { class: `glossary-word ${kindClass(kind)}` },
    h(
      "div",
      { class: "glossary-names" },
      words
        .slice(0, 4)
        .map((word) => h("button", { type: "button", title: `Insert ${word}`, on: { click: () => onInsert(word) } }, word)),
      words.length > 4 && h("span", { class: "glossary-more", title: words.slice(4).join(", ") }, `+${words.length - 4}`),
    ),
    h("p", {}, means, place && place !== means && h("small", {}, place)),
  );
  const haystack = [...words, means, place].join("\n").toLowerCase();
  return {
    element,
    kind: KNOWN_KINDS.has(kind) ? kind : "",
    filter(wanted) {
      element.hidden = !haystack.includes(wanted);
      return !element.hidden;
    },
  };
}

function insertButton(name, onInsert) {
  return h(
    "button",
    {
      type: "button",
      class: "button button-quiet insert",
      "aria-label": `Insert ${name}`,
      title: "Insert the name",
      on: { click: () => onInsert(name) },
    },
    icon("insert"),
  );
}
