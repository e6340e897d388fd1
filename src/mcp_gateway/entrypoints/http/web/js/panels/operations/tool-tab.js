// One operations tool: its fields, running it, and what it found. What was found stays while one looks at another tool.

import { errorNotice } from "../../answer/notices.js";
import { errorFrom } from "../../api.js";
import { announce, button, h, replaceContent } from "../../dom.js";
import { milliseconds, waiting } from "../registry/parts.js";
import { callTool } from "../registry/requests.js";
import { jsonOf } from "../registry/try-tool.js";
import { fieldsFor } from "./form.js";
import { drawFound } from "./shown/result.js";

const SERVER = "ops";

export function toolTab({ tool, title, lead, run: words, waiting: meanwhile, fields: specs }) {
  const fields = fieldsFor(specs);
  const outcome = h("div", { class: "op-outcome" });
  const run = h("button", { type: "submit", class: "button button-primary" }, words);
  const stop = button("Stop", { icon: "stop", hidden: true, on: { click: () => running?.abort() } });
  const form = h("form", { class: "op-form", "aria-label": title }, h("div", { class: "panel-form" }, fields.elements), h("p", { class: "add-ways" }, run, stop));
  let running = null;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!running) look();
  });

  async function look() {
    running = new AbortController();
    [run.disabled, stop.hidden] = [true, false];
    replaceContent(outcome, waiting(meanwhile));
    const began = performance.now();
    try {
      const found = await callTool({ server: SERVER, name: tool }, fields.read(), running.signal);
      replaceContent(outcome, drawFound(found), whole(found), h("p", { class: "try-took" }, `Answered in ${milliseconds(performance.now() - began)}.`));
      announce(`${title}: ${outcome.querySelector(".op-verdict")?.textContent ?? "answered"}`);
    } catch (error) {
      replaceContent(outcome, errorNotice(ownWords(error)));
    } finally {
      running = null;
      [run.disabled, stop.hidden] = [false, true];
    }
  }

  return { title, element: h("div", {}, h("p", { class: "panel-lead" }, lead), form, outcome) };
}

/** What the tool itself said went wrong, where it said anything. */
function ownWords(error) {
  const told = error.data?.structured_content;
  return told ? errorFrom(told, error.status) : error;
}

/** Drawn only when it is opened: it may be long. */
function whole(found) {
  const details = h("details", { class: "fold-out op-json" }, h("summary", {}, "All of it as JSON"));
  details.addEventListener("toggle", () => details.open && details.children.length === 1 && details.append(...jsonOf(found).filter(Boolean)));
  return details;
}
