// Why somebody may do something, or may not: every step of the decision.

import { explainAccess } from "../api.js";
import { errorNotice } from "../answer/notices.js";
import { h, icon, replaceContent } from "../dom.js";
import { may } from "../session.js";

const STEPS = {
  token: "Token",
  tenant: "Tenant",
  role: "Role",
  scope: "Scope",
  rule: "Rule",
  server_registered: "Server",
  server_tenant: "Server",
  server_enabled: "Server",
  server_health: "Server",
  definition: "Definition",
  name: "Name",
};
// A step may be of no known end: it is not told to whoever asks, or nothing is known of it here.
const ENDS = new Map([
  [true, ["check", "passed", ""]],
  [false, ["cross", "not passed", "is-failed"]],
  [null, ["dash", "not known", "is-unknown"]],
]);

/** Wires the button and the dialog that stand in index.html; for those who manage access. */
export function wireWhy({ trigger, dialog, me }) {
  if (!me || me.login === "none" || !may("manage_access")) return;
  trigger.hidden = false;
  const place = dialog.querySelector("[data-why]");
  const result = h("div", { class: "why-result", "aria-live": "polite" });
  const subject = field("Subject", { value: me.subject, required: true });
  const roles = field("Roles", { value: me.roles.join(", "), placeholder: "analyst, finance" });
  const about = field("Tool or table", { placeholder: "ask, orders.amount" });
  const kind = h("select", { class: "select", "aria-label": "It is" }, [
    h("option", { value: "tool" }, "a tool"),
    h("option", { value: "table" }, "a table or column"),
  ]);
  const form = h(
    "form",
    { class: "panel-form" },
    subject.element,
    roles.element,
    about.element,
    h("label", { class: "panel-field" }, h("span", {}, "It is"), kind),
    h("button", { type: "submit", class: "button button-primary" }, "Explain"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });

  async function ask() {
    const named = roles.input.value.split(",").map((role) => role.trim()).filter(Boolean);
    const body = { caller: { subject: subject.input.value.trim(), roles: named }, [kind.value]: about.input.value.trim() };
    try {
      drawExplanation(result, await explainAccess(body));
    } catch (error) {
      replaceContent(result, errorNotice(error, ask));
    }
  }

  replaceContent(place, h("p", { class: "panel-lead" }, "May somebody of your tenant use a tool or read a table? And if not, what stands in the way?"), form, result);
  trigger.addEventListener("click", () => dialog.showModal());
}

function drawExplanation(place, { allowed, works, reason, chain, advice, target, action }) {
  const verdict = works ? "Yes" : "No";
  replaceContent(
    place,
    h(
      "p",
      { class: works ? "why-verdict is-yes" : "why-verdict is-no" },
      icon(works ? "check" : "cross"),
      h("b", {}, verdict),
      ` ${action.replaceAll("_", " ")}${target ? ` ${target}` : ""}: ${reason || (allowed ? "allowed" : "not allowed")}`,
    ),
    chainOf(chain),
    adviceOf(advice),
  );
}

/** The steps of a decision, in order. */
export function chainOf(chain) {
  return h("ol", { class: "chain" }, chain.map(stepOf));
}

function stepOf({ step, passed, detail, rule }) {
  const [sign, words, state] = ENDS.get(passed) ?? ENDS.get(null);
  return h(
    "li",
    { class: `chain-step ${state}`.trim() },
    icon(sign),
    h("b", {}, STEPS[step] ?? step),
    h("span", { class: "visually-hidden" }, ` ${words}: `),
    h("span", { class: "chain-detail" }, detail),
    rule && h("code", { class: "tag" }, rule),
  );
}

export const adviceOf = (advice) =>
  advice.length > 0 && h("ul", { class: "advice" }, advice.map((line) => h("li", {}, icon("info"), withCode(line))));

const withCode = (text) => h("span", {}, text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part)));

function field(label, attributes) {
  const input = h("input", { type: "text", class: "text-field", autocomplete: "off", spellcheck: "false", ...attributes });
  return { input, element: h("label", { class: "panel-field" }, h("span", {}, label), input) };
}
