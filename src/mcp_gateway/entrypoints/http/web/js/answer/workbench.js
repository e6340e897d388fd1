// A result and the SQL it came from, which can be edited and run again. What was there stays until there is something new.

import { announce, h, icon, replaceContent } from "../dom.js";
import { counted } from "../format.js";
import { createSqlEditor } from "../sql/editor.js";
import { admissions, errorNotice, recoveryTrail, sentenceOf } from "./notices.js";
import { createResult } from "./result.js";

/**
 * The parts as elements, to be arranged by the caller: `{sentence, notes, place, sheet}`. `data` is a `QueryResult`;
 * without results the place stays empty. `runSql(sql, signal)` resolves to a `QueryResult`; `onResult` is told of it.
 */
export function createWorkbench({ data, runSql, onResult }) {
  const sentence = h("p", { class: "sentence" }, sentenceOf(data));
  const notes = h("div", { class: "notices" }, admissions(data));
  const place = h("div", { class: "result-place" }, data.results && createResult(data));
  const failure = h("div", { class: "sql-failure" });
  const editor = createSqlEditor({ sql: data.sql_query, onStop: () => running?.abort(), onRun: run });
  const sheet = h(
    "section",
    { class: "sql-section", "aria-label": "SQL" },
    h("h3", {}, icon("code"), "SQL"),
    editor.element,
    failure,
  );
  let running = null;

  async function run(sql) {
    running = new AbortController();
    editor.setBusy(true);
    place.classList.add("is-stale");
    replaceContent(failure);
    announce("Running the SQL");
    try {
      const result = await runSql(sql, running.signal);
      if (result.recovery_performed) editor.show(result.sql_query);
      show(result, sql === data.sql_query ? sentenceOf(data) : "The result of your own SQL.");
    } catch (error) {
      replaceContent(failure, errorNotice(error, error.retryable ? () => run(editor.field.value.trim()) : null));
    } finally {
      editor.setBusy(false);
      place.classList.remove("is-stale");
    }
  }

  function show(result, words) {
    sentence.textContent = words;
    replaceContent(notes, [admissions(result), recoveryTrail(result.attempts, Boolean(result.results))]);
    replaceContent(place, result.results && createResult({ ...result, query: data.query }));
    announce(result.results ? `Done. ${counted(result.results.row_count, "row")}.` : "No result.");
    onResult(result, words);
  }

  return { sentence, notes, place, sheet };
}

/** A `QueryResult` for SQL that could not be run, so that it can be mended by hand. */
export function brokenResult(question, sql) {
  const lists = ["resolved_entities", "unexplained", "readings", "steps", "warnings", "attempts"];
  return {
    query: question,
    sql_query: sql,
    explanation: "",
    understood: "",
    results: null,
    ...Object.fromEntries(lists.map((name) => [name, []])),
  };
}
