// One question and what became of it: steps while it runs, then the answer, the choice, or the error.

import { announce, freshId, h, icon, prefersStillness, replaceContent } from "../dom.js";
import { counted, percent } from "../format.js";
import { createSqlEditor } from "../sql/editor.js";
import { admissions, errorNotice, recoveryTrail, sentenceOf } from "./notices.js";
import { linkMarks, markedQuestion } from "./question.js";
import { otherReadings, readingChoice } from "./readings.js";
import { createResult } from "./result.js";
import { createSteps } from "./steps.js";
import { wordList } from "./words.js";

/**
 * `actions`: `retry()` asks again, `runSql(sql, signal)` resolves to a QueryResult or rejects with RequestFailed,
 * `changed(data)` is told of a result that replaced the answer's own.
 */
export function createTurn({ question, followsUp = false, actions }) {
  const heading = h("h2", { class: "question", id: freshId("question"), tabindex: "-1" }, question);
  const tips = h("div", { class: "mark-tips" });
  const kicker = h("p", { class: "kicker" }, followsUp ? "Follow-up" : "");
  const body = h("div", { class: "turn-body" });
  const doing = h("p", { class: "doing" }, h("span", { class: "spinner" }), h("span", { class: "doing-text" }, "Sending the question"));
  const steps = createSteps({ onDoing: (text) => { doing.querySelector(".doing-text").textContent = text; } });
  const margin = h("aside", { class: "turn-margin", "aria-label": "How this answer came to be" }, steps.element);
  const element = h("article", { class: "turn is-running", "aria-labelledby": heading.id, "aria-busy": "true" },
    h("div", { class: "turn-main" }, h("header", { class: "turn-head" }, kicker, heading, tips), body), margin);
  replaceContent(body, doing);
  linkMarks(element);

  function settle(...content) {
    element.classList.remove("is-running");
    element.setAttribute("aria-busy", "false");
    replaceContent(body, content);
  }

  function showAnswer(data) {
    kicker.textContent = data.is_follow_up ? "Follow-up" : "";
    const marked = markedQuestion(data.query || question, data.resolved_entities, data.unexplained);
    replaceContent(heading, marked.nodes);
    replaceContent(tips, marked.tips);
    steps.settle(data.steps);
    replaceContent(margin, [certainty(data), wordList(data.resolved_entities, data.unexplained), steps.element]);
    if (data.results) {
      settle(answered(data));
      announce(`${sentenceOf(data)} ${counted(data.results.row_count, "row")}.`);
    } else {
      settle(unanswered(data));
      announce(data.readings.length > 0 ? `Not sure. ${counted(data.readings.length, "reading")} to choose from.` : "No answer.");
    }
  }

  function unanswered(data) {
    return [
      ...admissions(data),
      readingChoice({ reason: data.reason, readings: data.readings, onChoose: (reading, trigger) => choose(reading, trigger, data) }),
      recoveryTrail(data.attempts, false),
    ];
  }

  function answered(data) {
    const place = h("div", { class: "result-place" }, createResult(data));
    const sentence = h("p", { class: "sentence" }, sentenceOf(data));
    const notes = h("div", { class: "notices" }, admissions(data));
    const others = data.readings.filter(({ sql }) => sql !== data.sql_query);
    const sheet = sqlSheet(data, { place, sentence, notes });
    return [sentence, notes, place, sheet, recoveryTrail(data.attempts, true),
      otherReadings(others, (reading, trigger) => choose(reading, trigger, data))];
  }

  /** SQL that could not be run is there to be mended by hand. */
  function mendable({ data: facts }) {
    if (!facts?.sql) return null;
    const place = h("div", { class: "result-place" });
    const sentence = h("p", { class: "sentence" });
    const notes = h("div", { class: "notices" });
    const data = { query: question, sql_query: facts.sql, explanation: "", resolved_entities: [], unexplained: [], readings: [], steps: [], warnings: [], attempts: [] };
    return [sqlSheet(data, { place, sentence, notes }), recoveryTrail(facts.attempts ?? [], false), sentence, notes, place];
  }

  function sqlSheet(data, { place, sentence, notes }) {
    let running = null;
    const editor = createSqlEditor({ sql: data.sql_query, onStop: () => running?.abort(), onRun: run });
    const failure = h("div", { class: "sql-failure" });

    async function run(sql) {
      running = new AbortController();
      editor.setBusy(true);
      place.classList.add("is-stale");
      replaceContent(failure);
      announce("Running the SQL");
      try {
        const result = await actions.runSql(sql, running.signal);
        if (result.recovery_performed) editor.show(result.sql_query);
        sentence.textContent = sql === data.sql_query ? sentenceOf(data) : "The result of your own SQL.";
        replaceContent(place, result.results ? createResult({ ...result, query: question }) : null);
        replaceContent(notes, [admissions(result), recoveryTrail(result.attempts, Boolean(result.results))]);
        steps.settle(result.steps);
        actions.changed({ ...data, ...result, query: data.query, resolved_entities: data.resolved_entities, explanation: sentence.textContent, unexplained: data.unexplained });
        announce(result.results ? `Done. ${counted(result.results.row_count, "row")}.` : "No result.");
      } catch (error) {
        replaceContent(failure, errorNotice(error, error.retryable ? () => run(editor.field.value.trim()) : null));
      } finally {
        editor.setBusy(false);
        place.classList.remove("is-stale");
      }
    }

    return h("section", { class: "sql-section", "aria-label": "SQL" }, h("h3", {}, icon("code"), "SQL"), editor.element, failure);
  }

  async function choose(reading, trigger, data) {
    // While it runs, its own button is the way to stop it.
    const running = new AbortController();
    const label = trigger.querySelector("span");
    const stop = (event) => {
      event.stopImmediatePropagation();
      running.abort();
    };
    trigger.addEventListener("click", stop, { capture: true });
    label.textContent = "Stop";
    body.querySelector(".chosen-failure")?.remove();
    announce("Running this reading");
    try {
      const result = await actions.runSql(reading.sql, running.signal);
      const chosen = {
        ...data, ...result, query: data.query, resolved_entities: data.resolved_entities, unexplained: data.unexplained,
        explanation: reading.description, readings: data.readings, reason: "", confident: true, confidence: 1, chosen: true,
      };
      showAnswer(chosen);
      actions.changed(chosen);
      heading.focus({ preventScroll: true });
    } catch (error) {
      const failure = h("div", { class: "chosen-failure" }, errorNotice(error, error.retryable ? () => choose(reading, trigger, data) : null));
      trigger.closest("li").append(failure);
    } finally {
      trigger.removeEventListener("click", stop, { capture: true });
      label.textContent = "This one";
    }
  }

  return {
    element,
    showStep: (step) => steps.update(step),
    showAnswer,
    showError(error) {
      steps.halt();
      settle(errorNotice(error, actions.retry), mendable(error));
      if (element.querySelector(".step:not(.is-skipped)") === null) steps.element.hidden = true;
    },
    reveal() {
      element.scrollIntoView({ behavior: prefersStillness() ? "auto" : "smooth", block: "start" });
    },
  };
}

/** How sure the answer is, and who drafted it. */
function certainty(data) {
  const typed = data.source === "typed";
  const who = typed ? "Written by you" : `Drafted by ${{ engine: "the embedded engine" }[data.source] ?? data.usage?.model ?? data.source}`;
  const word = data.chosen ? "Your choice" : typed && data.results ? (data.recovery_performed ? "Yours, repaired" : "As you wrote it") : data.results ? `${percent(data.confidence)} sure` : "Not sure";
  const usage = data.usage && `${counted(data.usage.input_tokens + data.usage.output_tokens, "token")}`
    + (data.usage.cost_usd === null ? "" : `, $${data.usage.cost_usd.toFixed(4)}`);
  const share = data.chosen ? 1 : data.confidence;
  const meter = h("span", { class: "meter", "aria-hidden": "true" }, h("span", { style: { width: `${Math.round(100 * share)}%` } }));
  return h("section", { class: `note certainty ${data.results ? "" : "is-unsure"}` },
    h("p", {}, h("b", {}, word), !typed && meter), data.source && h("small", {}, who, usage && ` · ${usage}`));
}
