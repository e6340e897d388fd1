// One question and what became of it: steps while it runs, then the answer, the choice, or the error.

import { announce, freshId, h, prefersStillness, replaceContent } from "../dom.js";
import { counted } from "../format.js";
import { certainty } from "./certainty.js";
import { admissions, errorNotice, recoveryTrail, sentenceOf } from "./notices.js";
import { linkMarks, markedQuestion } from "./question.js";
import { otherReadings, readingChoice, runReading } from "./readings.js";
import { createSteps } from "./steps.js";
import { wordList } from "./words.js";
import { brokenResult, createWorkbench } from "./workbench.js";

/**
 * `actions`: `retry()` asks again, `runSql(sql, signal)` resolves to a QueryResult or rejects with RequestFailed,
 * `changed(data)` is told of a result that replaced the answer's own.
 */
export function createTurn({ question, actions }) {
  const frame = createFrame(question);
  const { heading, body, steps } = frame;

  function showAnswer(data) {
    frame.showQuestion(data);
    if (data.results) {
      frame.settle(answered(data));
      announce(`${sentenceOf(data)} ${counted(data.results.row_count, "row")}.`);
    } else {
      frame.settle(unanswered(data));
      announce(data.readings.length > 0 ? `Not sure. ${counted(data.readings.length, "reading")} to choose from.` : "No answer.");
    }
  }

  function answered(data) {
    const { sentence, notes, place, sheet } = workbench(data);
    const others = data.readings.filter(({ sql }) => sql !== data.sql_query);
    return [sentence, notes, place, sheet, recoveryTrail(data.attempts, true), otherReadings(others, chooseFrom(data))];
  }

  function unanswered(data) {
    const choice = readingChoice({ reason: data.reason, readings: data.readings, onChoose: chooseFrom(data) });
    return [admissions(data), choice, recoveryTrail(data.attempts, false)];
  }

  function mendable({ sql, attempts = [] }) {
    const { sentence, notes, place, sheet } = workbench(brokenResult(question, sql));
    return [sheet, recoveryTrail(attempts, false), sentence, notes, place];
  }

  function workbench(data) {
    return createWorkbench({
      data,
      runSql: actions.runSql,
      onResult(result, words) {
        steps.settle(result.steps);
        actions.changed({ ...data, ...result, ...whatWasAsked(data), explanation: words, understood: words });
      },
    });
  }

  function chooseFrom(data) {
    return async (reading, trigger) => {
      body.querySelector(".chosen-failure")?.remove();
      const result = await runReading(reading, trigger, actions.runSql);
      if (!result) return;
      const words = reading.description;
      const verdict = { explanation: words, understood: words, readings: data.readings, reason: "", confident: true, chosen: true };
      const chosen = { ...data, ...result, ...whatWasAsked(data), ...verdict };
      showAnswer(chosen);
      actions.changed(chosen);
      heading.focus({ preventScroll: true });
    };
  }

  return {
    element: frame.element,
    showStep: (step) => steps.update(step),
    showAnswer,
    showError(error) {
      steps.halt();
      frame.settle([errorNotice(error, actions.retry), error.data?.sql && mendable(error.data)]);
    },
    reveal() {
      frame.element.scrollIntoView({ behavior: prefersStillness() ? "auto" : "smooth", block: "start" });
    },
  };
}

/** What a later result of the same question must not overwrite. */
const whatWasAsked = ({ query, resolved_entities, unexplained }) => ({ query, resolved_entities, unexplained });

/** The elements every turn has, and the ways to fill them. */
function createFrame(question) {
  const heading = h("h2", { class: "question", id: freshId("question"), tabindex: "-1" }, question);
  const tips = h("div", { class: "mark-tips" });
  const kicker = h("p", { class: "kicker" });
  const doingText = h("span", {}, "Sending the question");
  const body = h("div", { class: "turn-body" }, h("p", { class: "doing" }, h("span", { class: "spinner" }), doingText));
  const steps = createSteps({ onDoing: (text) => replaceContent(doingText, text) });
  const margin = h("aside", { class: "turn-margin", "aria-label": "How this answer came to be" }, steps.element);
  const element = h(
    "article",
    { class: "turn is-running", "aria-labelledby": heading.id, "aria-busy": "true" },
    h("div", { class: "turn-main" }, h("header", { class: "turn-head" }, kicker, heading, tips), body),
    margin,
  );
  linkMarks(element);
  return {
    element,
    heading,
    body,
    steps,
    showQuestion(data) {
      const marked = markedQuestion(data.query || question, data.resolved_entities, data.unexplained);
      replaceContent(kicker, data.is_follow_up && "Follow-up");
      replaceContent(heading, marked.nodes);
      replaceContent(tips, marked.tips);
      steps.settle(data.steps);
      replaceContent(margin, certainty(data), wordList(data.resolved_entities, data.unexplained), steps.element);
    },
    settle(content) {
      element.classList.remove("is-running");
      element.setAttribute("aria-busy", "false");
      replaceContent(body, content);
    },
  };
}
