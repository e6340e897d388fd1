// The tab that shows calls as they happen. What stays is the audit trail.

import { errorNotice } from "../../answer/notices.js";
import { button, h, icon, replaceContent } from "../../dom.js";
import { counted } from "../../format.js";
import { said } from "../../said.js";
import { may } from "../../session.js";
import { empty, milliseconds, waiting } from "./parts.js";
import { getCalls } from "./requests.js";

const EVERY_MS = 2000;
const AFTER_A_FAULT_MS = 10_000;
const KEPT = 300;
const WHEN = new Intl.DateTimeFormat("en", { timeStyle: "medium", hour12: false });
const COLUMNS = ["When", "Who", "What", "Outcome", "Took"];

export function callsTab() {
  const rows = h("tbody");
  const state = h("div", { class: "registry-state" });
  const pause = button("Pause", { icon: "stop", "aria-pressed": "false", on: { click: toggle } });
  const table = h(
    "div",
    { class: "audit-scroller", tabindex: "0", role: "region", "aria-label": "The last calls", hidden: true },
    h("table", { class: "audit calls" }, h("thead", {}, h("tr", {}, COLUMNS.map((name) => h("th", { scope: "col" }, name)))), rows),
  );
  let after = 0;
  let timer = 0;
  let running = false;
  let paused = false;

  function toggle() {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) look();
  }

  async function look() {
    clearTimeout(timer);
    if (!running || paused) return;
    let next = EVERY_MS;
    if (!document.hidden) {
      try {
        take(await getCalls(after));
      } catch (error) {
        replaceContent(state, errorNotice(error, look));
        next = AFTER_A_FAULT_MS;
      }
    }
    clearTimeout(timer);
    if (running && !paused) timer = setTimeout(look, next);
  }

  function take({ calls, last }) {
    // A gateway that was started again counts from the beginning.
    if (last < after) rows.replaceChildren();
    after = last;
    rows.prepend(...calls.toReversed().map(row));
    while (rows.children.length > KEPT) rows.lastChild.remove();
    table.hidden = rows.children.length === 0;
    replaceContent(
      state,
      table.hidden
        ? empty("No call yet. Each call to a tool, prompt or resource of your tenant shows here within two seconds.")
        : h("p", { class: "panel-state" }, `The last ${counted(rows.children.length, "call")} at this replica, the newest first.`),
    );
  }

  const allowed = may("read_audit");
  return {
    name: "calls",
    title: "Calls",
    element: allowed
      ? h("div", {}, h("div", { class: "registry-bar" }, h("p", { class: "panel-lead" }, "Calls as they happen."), pause), state, table)
      : empty("Who calls what is for those who may read the audit trail; you may not."),
    open() {
      if (!allowed) return;
      running = true;
      if (rows.children.length === 0) replaceContent(state, waiting("Asking the gateway…"));
      look();
    },
    close() {
      running = false;
      clearTimeout(timer);
    },
  };
}

function row(call) {
  const well = call.outcome === "answered";
  return h(
    "tr",
    { class: well ? "audit-row" : "audit-row is-refused" },
    h("td", {}, h("time", { datetime: call.at }, WHEN.format(new Date(call.at)))),
    h("td", {}, said(call.subject)),
    h("td", { class: "call-what" }, h("bdi", {}, said([call.server, call.name].filter(Boolean).join("."))), call.method !== "tools/call" && [" ", h("span", { class: "tag" }, said(call.method))]),
    h("td", { class: "call-outcome" }, icon(well ? "check" : "cross"), ` ${call.outcome}`, call.error_code && [" ", h("code", {}, call.error_code)]),
    h("td", { class: "call-took" }, milliseconds(call.duration_ms)),
  );
}
