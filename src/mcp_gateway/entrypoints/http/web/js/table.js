// A result as a table: typed, sortable, a page of rows at a time, long cells folded.

import { announce, button, h, replaceContent } from "./dom.js";
import { columnFormatter, counted, fullNumber, headingOf, isNumeric, spoken } from "./format.js";

const PAGE = 50;
const FOLD_AT = 120;
// Up to here a text stays on one line.
const SHORT = 36;
// Enough to read; a cell of megabytes would stall the page.
const UNFOLDED_LIMIT = 20_000;

/** The element for `{columns, rows}`; `label` names the table for assistive technology. */
export function createTable({ columns, rows, label }) {
  const formats = columns.map((column, index) =>
    columnFormatter(
      column,
      rows.map((row) => row[index]),
    ),
  );
  const state = { order: rows, page: 0, sorted: -1, descending: false };
  const body = h("tbody");
  const heads = columns.map((column, index) => head(column, () => sortBy(index)));
  const scroller = h(
    "div",
    { class: "table-scroller", tabindex: "0", role: "region", "aria-label": `${label}, scrollable` },
    h("table", {}, h("caption", { class: "visually-hidden" }, label), h("thead", {}, h("tr", {}, heads)), body),
  );
  const pager = createPager((step) => turn(step));
  const element = h("div", { class: "table" }, scroller, rows.length > PAGE && pager.element);

  function draw() {
    const from = state.page * PAGE;
    const shown = state.order.slice(from, from + PAGE);
    replaceContent(
      body,
      shown.map((row) =>
        h(
          "tr",
          {},
          columns.map((column, index) => cell(row[index], column, formats[index])),
        ),
      ),
    );
    pager.show(from + 1, from + shown.length, rows.length);
  }

  function turn(step) {
    state.page = Math.max(0, Math.min(Math.ceil(rows.length / PAGE) - 1, state.page + step));
    scroller.scrollTop = 0;
    draw();
  }

  function sortBy(index) {
    // First up (numbers: the largest first, which is what one looks for), then the other way, then as it came.
    const first = isNumeric(columns[index]);
    if (state.sorted !== index) Object.assign(state, { sorted: index, descending: first });
    else if (state.descending === first) state.descending = !first;
    else state.sorted = -1;
    state.order = state.sorted < 0 ? rows : [...rows].sort(comparer(index, columns[index], state.descending));
    state.page = 0;
    heads.forEach((node, place) => {
      const direction = place !== state.sorted ? "none" : state.descending ? "descending" : "ascending";
      node.setAttribute("aria-sort", direction);
    });
    announce(
      state.sorted < 0
        ? "Original order"
        : `Sorted by ${spoken(columns[index].name)}, ${state.descending ? "descending" : "ascending"}`,
    );
    draw();
  }

  draw();
  return element;
}

function head(column, onSort) {
  const title = `${column.name} · ${column.type || column.kind}`;
  return h(
    "th",
    { scope: "col", "aria-sort": "none", class: isNumeric(column) ? "numeric" : "" },
    h(
      "button",
      { type: "button", class: "sort", title, on: { click: onSort } },
      h("span", {}, headingOf(column.name)),
      h("span", { class: "sort-sign", "aria-hidden": "true" }),
    ),
  );
}

function comparer(index, column, descending) {
  const compare = isNumeric(column)
    ? (one, other) => Number(one) - Number(other)
    : (one, other) => String(one).localeCompare(String(other), "en", { numeric: true });
  return (one, other) => {
    // What is missing stands last both ways.
    if (one[index] === null || other[index] === null) return (one[index] === null) - (other[index] === null);
    return (descending ? -1 : 1) * compare(one[index], other[index]);
  };
}

function cell(value, column, format) {
  if (value === null || value === undefined)
    return h("td", { class: isNumeric(column) ? "numeric" : "" }, h("span", { class: "null" }, "NULL"));
  const text = format(value);
  if (isNumeric(column)) return h("td", { class: "numeric", title: typeof value === "number" ? fullNumber(value) : null }, text);
  if (text === "") return h("td", {}, h("span", { class: "null" }, "empty"));
  if (text.length > FOLD_AT) return h("td", { class: "is-long" }, folded(text));
  return h("td", { class: text.length > SHORT ? "is-long" : "is-short" }, text);
}

function folded(text) {
  const shown = h("span", {}, `${text.slice(0, FOLD_AT).trimEnd()}… `);
  const toggle = button("more", { class: "fold", "aria-expanded": "false" });
  toggle.addEventListener("click", () => {
    const open = toggle.getAttribute("aria-expanded") !== "true";
    toggle.setAttribute("aria-expanded", String(open));
    const whole =
      text.length > UNFOLDED_LIMIT
        ? `${text.slice(0, UNFOLDED_LIMIT)}… (${counted(text.length, "character")} in all; the CSV has them) `
        : `${text} `;
    shown.textContent = open ? whole : `${text.slice(0, FOLD_AT).trimEnd()}… `;
    toggle.querySelector("span").textContent = open ? "less" : "more";
  });
  return [shown, toggle];
}

function createPager(onTurn) {
  const where = h("span", { "aria-live": "polite" });
  const back = button("", {
    icon: "left",
    class: "button button-quiet",
    "aria-label": "Previous rows",
    on: { click: () => onTurn(-1) },
  });
  const on = button("", {
    icon: "right",
    class: "button button-quiet",
    "aria-label": "Next rows",
    on: { click: () => onTurn(1) },
  });
  return {
    element: h("div", { class: "pager" }, back, where, on),
    show(first, last, all) {
      where.textContent = `${first}–${last} of ${counted(all, "row")}`;
      back.disabled = first === 1;
      on.disabled = last === all;
    },
  };
}
