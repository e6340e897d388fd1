// One thing a server offers: what it says of itself, what changed, whether it may be used, and a way to try it.

import { errorNotice } from "../../answer/notices.js";
import { announce, button, h, icon, replaceContent } from "../../dom.js";
import { said } from "../../said.js";
import { may } from "../../session.js";
import { empty, waiting } from "./parts.js";
import { compareTool, decide, showTool } from "./requests.js";
import { jsonOf, tryTool } from "./try-tool.js";
import { whyOf } from "./why-seen.js";

const HINTS = {
  readOnlyHint: ["says it only reads", "says it writes"],
  destructiveHint: ["says it may destroy", "says it destroys nothing"],
  idempotentHint: ["says twice is as once", null],
  openWorldHint: ["says it reaches out", "says it stays inside"],
};
const WHY = {
  wider: "Its server changed it.",
  new: "It came after its server was registered.",
  suspicious: "Some of its words look as if they were meant to mislead a model.",
  refused: "Somebody decided against it.",
};
const HELD = "Until it is approved, it is in no list, and every call of it is refused.";

/** Draws into `place`; `changed(entry)` is called after a decision. */
export async function drawTool(place, entry, changed) {
  if (!place.firstChild) replaceContent(place, waiting("Asking the gateway…"));
  try {
    const held = entry.status !== "offered";
    const [shown, compared] = await Promise.all([showTool(entry), held && entry.manageable ? compareTool(entry) : null]);
    const again = async (now) => {
      changed(now);
      place.replaceChildren();
      await drawTool(place, { ...entry, ...now }, changed);
    };
    replaceContent(
      place,
      words(shown.definition),
      held && h("p", { class: "tool-stands" }, icon("alert"), ` ${WHY[shown.verdict] ?? ""} ${HELD}`),
      compared && difference(compared),
      held && decisions(shown, again),
      !held && shown.kind === "tools" && trying({ ...entry, ...shown }),
      h("details", { class: "fold-out" }, h("summary", {}, "Its definition"), jsonOf(shown.definition)),
      !held && decisions(shown, again),
      shown.kind === "tools" && whyOf(`${entry.server}.${entry.name}`, "Who sees it, and why?"),
    );
  } catch (error) {
    replaceContent(place, errorNotice(error, () => drawTool(place, entry, changed)));
  }
}

function words({ title, description, annotations }) {
  const hints = Object.entries(HINTS).map(([name, [yes, no]]) => (annotations?.[name] === true ? yes : annotations?.[name] === false ? no : null));
  return [
    title && h("p", { class: "tool-title" }, h("bdi", {}, said(title))),
    h("p", { class: "tool-words" }, description ? said(description) : "Its server says nothing about it."),
    hints.some(Boolean) && h("p", { class: "tool-hints" }, hints.filter(Boolean).map((hint) => [h("span", { class: "tag" }, hint), " "])),
  ];
}

const trying = (shown) => (may("call_tool") ? tryTool(shown, shown.definition) : empty("You may not call tools here."));

function difference({ class: worst, text, findings }) {
  const lines = text.split("\n").map((line) => [h("span", { class: lineClass(line) }, said(line)), "\n"]);
  return [
    findings.length > 0 &&
      h("ul", { class: "findings" }, findings.slice(0, 50).map(({ rule, severity, path, excerpt }) =>
        h("li", { class: "finding is-warning" }, icon("alert"), h("span", {}, h("b", {}, rule.replaceAll("_", " ")), ` (${severity}) in `, h("code", {}, said(path)), h("small", {}, said(excerpt)))))),
    h("pre", { class: "output diff", tabindex: "0", role: "region", "aria-label": `What changed: ${worst}` }, lines),
  ];
}

function lineClass(line) {
  if (/^(\+\+\+|---|@@)/.test(line)) return "diff-place";
  if (/^\s*\+/.test(line)) return "diff-new";
  return /^\s*-/.test(line) ? "diff-old" : "";
}

/** For those who may decide. What is approved is what was looked at: the latest definition, by its fingerprint. */
function decisions(shown, again) {
  if (!shown.manageable) return null;
  const outcome = h("div", { "aria-live": "polite" });
  const act = (verb) => async () => {
    try {
      const now = await decide(verb, shown, shown.latest_fingerprint);
      announce(`${shown.name} is ${now.status}.`);
      await again(now);
    } catch (error) {
      replaceContent(outcome, errorNotice(error));
    }
  };
  return h(
    "div",
    { class: "decisions" },
    shown.status !== "offered" && button("Approve", { icon: "check", class: "button button-primary", on: { click: act("approve") } }),
    shown.verdict !== "refused" && button("Block", { icon: "cross", on: { click: act("block") } }),
    outcome,
  );
}
