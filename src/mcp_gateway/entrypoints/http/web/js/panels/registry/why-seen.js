// Why a tool is there for somebody, or is not: every step, from who they are to what it is called.

import { errorNotice } from "../../answer/notices.js";
import { button, h, icon, replaceContent } from "../../dom.js";
import { said } from "../../said.js";
import { caller, may } from "../../session.js";
import { adviceOf, chainOf } from "../why.js";
import { textField, waiting } from "./parts.js";
import { explainTool } from "./requests.js";

/** A button that explains; `tool` is `server.tool`, or a name of the one endpoint. Who manages access may ask about others. */
export function whyOf(tool, label) {
  const place = h("div", { class: "why-seen", "aria-live": "polite" });
  const others = caller()?.login !== "none" && may("manage_access") ? askAboutOthers(ask) : null;
  const open = button(label, { icon: "question", on: { click: () => ask({}) } });

  async function ask(about) {
    replaceContent(place, waiting("Asking the gateway…"));
    try {
      const { explanations } = await explainTool(tool, about);
      replaceContent(place, explanations.map(explanation), others);
    } catch (error) {
      replaceContent(place, errorNotice(error), others);
    }
  }

  return h("div", {}, open, place);
}

function explanation({ works, reason, chain, advice, caller: who, server, tool, listed, virtual_servers: virtual }) {
  const name = [server, tool].filter(Boolean).join(".");
  return h(
    "div",
    {},
    h(
      "p",
      { class: works ? "why-verdict is-yes" : "why-verdict is-no" },
      icon(works ? "check" : "cross"),
      h("b", {}, works ? "Yes" : "No"),
      ": ",
      h("bdi", {}, said(who.subject)),
      works ? " can use " : " cannot use ",
      h("code", {}, said(name)),
      works && listed && listed !== tool ? [", called ", h("code", {}, said(listed))] : "",
      reason && !works ? [": ", said(reason)] : ".",
    ),
    chainOf(chain),
    adviceOf(advice),
    virtual.length > 0 && h("p", { class: "panel-lead" }, `Virtual servers offer it, too: ${virtual.join(", ")}.`),
  );
}

function askAboutOthers(ask) {
  const subject = textField("Somebody else", { required: true });
  const roles = textField("Their roles", { placeholder: "analyst, finance" });
  const form = h("form", { class: "panel-form" }, subject.element, roles.element, h("button", { type: "submit", class: "button" }, "Explain"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask({ subject: subject.input.value.trim(), roles: roles.input.value.split(",").map((one) => one.trim()).filter(Boolean) });
  });
  return form;
}
