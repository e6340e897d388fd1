// The ways to understand a question, each in words with its SQL, to choose from.

import { announce, button, h, icon } from "../dom.js";
import { percent } from "../format.js";
import { sqlBlock } from "../sql/editor.js";
import { errorNotice } from "./notices.js";

// By how many readings there are; the last also for more.
const TITLES = ["I cannot answer this.", "Is this what you mean?", "Which of these do you mean?"];

/** The choice when the engine is unsure. `onChoose(reading)` is called once one is picked. */
export function readingChoice({ reason, readings, onChoose }) {
  const title = TITLES[Math.min(readings.length, 2)];
  return h(
    "section",
    { class: "readings", "aria-label": title },
    h("p", { class: "sentence" }, title),
    reason && h("p", { class: "readings-reason" }, reason),
    h(
      "ol",
      {},
      readings.map((reading, index) => readingCard(reading, index, onChoose, index === 0)),
    ),
    readings.length === 0 &&
      h(
        "p",
        { class: "readings-reason" },
        "Say it in other words, or name the table and the columns you mean: the data is listed under “Data”.",
      ),
  );
}

function readingCard(reading, index, onChoose, likeliest = false) {
  const choose = button("This one", {
    class: likeliest ? "button button-primary" : "button",
    "aria-label": `Choose: ${reading.description}`,
    on: { click: () => onChoose(reading, choose) },
  });
  return h(
    "li",
    { class: "reading" },
    h(
      "div",
      { class: "reading-head" },
      h("span", { class: "reading-number", "aria-hidden": "true" }, index + 1),
      h("p", {}, reading.description),
      h("span", { class: "reading-share", title: "How likely this reading is" }, percent(reading.confidence)),
      choose,
    ),
    h("details", { class: "fold-out" }, h("summary", {}, icon("code"), "SQL"), sqlBlock(reading.sql)),
  );
}

/** The less likely readings of an answered question, out of the way; null when there are none. */
export function otherReadings(readings, onChoose) {
  if (readings.length === 0) return null;
  return h(
    "details",
    { class: "fold-out" },
    h(
      "summary",
      {},
      icon("fork"),
      `Meant something else? ${readings.length === 1 ? "Another reading" : `${readings.length} other readings`}`,
    ),
    h(
      "div",
      { class: "readings" },
      h(
        "ol",
        {},
        readings.map((reading, index) => readingCard(reading, index, onChoose)),
      ),
    ),
  );
}

/**
 * Runs the reading whose button was pressed; while it runs the same button stops it. Resolves to the `QueryResult`, or to
 * null after showing the failure beside the reading.
 */
export async function runReading(reading, trigger, runSql) {
  const running = new AbortController();
  const label = trigger.querySelector("span");
  const stop = (event) => {
    event.stopImmediatePropagation();
    running.abort();
  };
  trigger.addEventListener("click", stop, { capture: true });
  label.textContent = "Stop";
  announce("Running this reading");
  try {
    return await runSql(reading.sql, running.signal);
  } catch (error) {
    const retry = error.retryable ? () => trigger.click() : null;
    trigger.closest("li").append(h("div", { class: "chosen-failure" }, errorNotice(error, retry)));
    return null;
  } finally {
    trigger.removeEventListener("click", stop, { capture: true });
    label.textContent = "This one";
  }
}
