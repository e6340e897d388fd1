// Calling a tool from the page, with a form made from its schema, and what came of it.

import { errorNotice } from "../../answer/notices.js";
import { announce, button, h, replaceContent } from "../../dom.js";
import { said } from "../../said.js";
import { milliseconds, waiting } from "./parts.js";
import { callTool } from "./requests.js";
import { schemaForm } from "./schema-form.js";

const MOST_SHOWN = 100_000;

/** A form for an entry of the list of tools and its definition. */
export function tryTool(entry, definition) {
  const fields = schemaForm(definition.inputSchema);
  const outcome = h("div", { class: "try-outcome", "aria-live": "polite" });
  const run = h("button", { type: "submit", class: "button button-primary" }, "Call it");
  const stop = button("Stop", { icon: "stop", hidden: true });
  const form = h("form", { class: "try-tool", "aria-label": `Try ${entry.name}`, novalidate: true }, fields.element, h("p", { class: "add-ways" }, run, stop, fields.swap), outcome);
  let running = null;

  stop.addEventListener("click", () => running?.abort());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    call();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });

  async function call() {
    const given = running ? null : fields.read();
    if (given === null) return;
    running = new AbortController();
    [run.disabled, stop.hidden] = [true, false];
    replaceContent(outcome, waiting("Calling it…"));
    const began = performance.now();
    try {
      const found = await callTool(entry, given, running.signal);
      const took = milliseconds(performance.now() - began);
      replaceContent(outcome, h("p", { class: "try-took" }, `Answered in ${took}, seen from here.`), resultOf(found));
      announce(`${entry.name} answered.`);
    } catch (error) {
      replaceContent(outcome, errorNotice(error), moreOf(error.data));
    } finally {
      running = null;
      [run.disabled, stop.hidden] = [false, true];
    }
  }

  return form;
}

/** Blocks of content one by one; anything else as JSON. */
function resultOf(found) {
  const keys = found && typeof found === "object" ? Object.keys(found) : [];
  if (keys.length !== 1 || !Array.isArray(found.content)) return jsonOf(found);
  if (found.content.length === 0) return h("p", { class: "panel-lead" }, "It gave nothing back.");
  return found.content.slice(0, 100).map(blockOf);
}

function blockOf(block) {
  if (block?.type === "text") return textOf(String(block.text ?? ""));
  if (block?.type === "image" || block?.type === "audio") {
    const bytes = Math.floor((String(block.data ?? "").length * 3) / 4);
    return h("p", { class: "panel-lead" }, said(`${block.type}, ${block.mimeType ?? "of no type"}, ${bytes} bytes`));
  }
  return jsonOf(block);
}

function textOf(text) {
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null) return jsonOf(value);
  } catch {
    /* it is plain text */
  }
  return output(text);
}

export const jsonOf = (value) => output(JSON.stringify(value, null, 2));

function output(text) {
  const cut = text.length > MOST_SHOWN;
  return [
    h("pre", { class: "output", tabindex: "0", role: "region", "aria-label": "What it gave" }, said(cut ? text.slice(0, MOST_SHOWN) : text)),
    cut && h("p", { class: "panel-lead" }, `The first ${MOST_SHOWN} of ${text.length} characters.`),
  ];
}

/** What a tool or the gateway told besides the message. */
function moreOf(data) {
  const shown = data?.faults ?? data?.structured_content ?? data?.requests ?? data?.error;
  if (shown === undefined) return null;
  return Array.isArray(shown) && shown.every((one) => typeof one === "string") && shown.length > 1
    ? h("ul", { class: "findings" }, shown.map((one) => h("li", { class: "finding" }, h("span", {}, said(one)))))
    : typeof shown === "object" && !Array.isArray(shown) && jsonOf(shown);
}
