// The rows of an answer: chart or table, whichever one wants, and as a file.

import { button, h, replaceContent } from "../dom.js";
import { counted, duration } from "../format.js";
import { createChart } from "../chart/view.js";
import { chartModel, possibleKinds } from "../chart/model.js";
import { saveCsv } from "../csv.js";
import { createTable } from "../table.js";
import { errorNotice } from "./notices.js";

const NAMES = { number: "Figure", bar: "Bars", line: "Line", table: "Table" };

/** The element for a `QueryResult` that has results. */
export function createResult(data) {
  const { columns, rows } = data.results;
  if (rows.length === 0) return h("div", { class: "result result-empty" }, h("p", {}, "No rows."));
  const label = data.chart?.title || data.explanation || "Result";
  const anyOrder = !/\border\s+by\b/i.test(data.sql_query);
  const drawable = possibleKinds(data.chart, columns, rows.length).filter((kind) =>
    chartModel({ chart: { ...data.chart, kind }, columns, rows }),
  );
  const stage = h("div", { class: "result-stage" });
  const failure = h("div");
  const tabs = [...drawable, "table"].map((kind) =>
    button(NAMES[kind], { icon: kind, class: "segment", on: { click: () => show(kind) } }),
  );
  const views = new Map();

  function show(kind) {
    if (!views.has(kind)) {
      const chart = { ...data.chart, kind };
      views.set(kind, kind === "table" ? createTable({ columns, rows, label }) : createChart({ chart, columns, rows, anyOrder }));
    }
    replaceContent(stage, views.get(kind));
    [...drawable, "table"].forEach((name, index) => tabs[index].setAttribute("aria-pressed", String(name === kind)));
  }

  show(drawable[0] ?? "table");
  const bar = h(
    "div",
    { class: "result-bar" },
    tabs.length > 1 && h("div", { class: "segments", role: "group", "aria-label": "Show as" }, tabs),
    h("span", { class: "result-size" }, sizeText(data.results)),
    csvButton(data, failure),
  );
  return h("div", { class: "result" }, bar, failure, stage);
}

function csvButton(data, failure) {
  const save = button("CSV", {
    icon: "download",
    class: "button button-quiet",
    "aria-label": "Download as CSV",
    on: { click: fetchFile },
  });
  async function fetchFile() {
    save.disabled = true;
    replaceContent(failure);
    try {
      await saveCsv(data);
    } catch (error) {
      replaceContent(failure, errorNotice(error, fetchFile));
    } finally {
      save.disabled = false;
    }
  }
  return save;
}

function sizeText({ rows, columns, duration_ms: time }) {
  return `${counted(rows.length, "row")} · ${counted(columns.length, "column")} · ${duration(time)}`;
}
