// What was done here: the audit trail of one's own tenant, newest first, with filters.

import { searchAudit, verifyAudit } from "../api.js";
import { errorNotice } from "../answer/notices.js";
import { button, h, icon, replaceContent } from "../dom.js";
import { counted } from "../format.js";
import { may } from "../session.js";

const DECISIONS = [["", "any decision"], ["allowed", "allowed"], ["refused", "refused"]];
const OUTCOMES = [["", "any outcome"], ["answered", "answered"], ["failed", "failed"], ["refused", "refused"], ["cancelled", "cancelled"]];
const WHEN = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium", hour12: false });

/** Wires the button and the dialog that stand in index.html; for those who may read the trail. */
export function wireAudit({ trigger, dialog, me }) {
  if (!me || me.login === "none" || !may("read_audit")) return;
  trigger.hidden = false;
  const rows = h("tbody");
  const state = h("p", { class: "panel-state", role: "status" });
  const more = button("Earlier", { icon: "chevron", on: { click: () => load({ further: true }) } });
  const filters = {
    subject: text("Who"),
    action: text("Did what"),
    text: text("Anywhere"),
    decision: choice("Decision", DECISIONS),
    outcome: choice("Outcome", OUTCOMES),
  };
  const form = h(
    "form",
    { class: "panel-form" },
    Object.values(filters).map(({ element }) => element),
    h("button", { type: "submit", class: "button button-primary" }, "Search"),
    button("Verify the chain", { icon: "check", on: { click: verify } }),
  );
  let before = null;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    load();
  });

  async function load({ further = false } = {}) {
    const wanted = Object.fromEntries(Object.entries(filters).map(([name, { input }]) => [name, input.value.trim()]));
    // Actions are shown with blanks, so they are looked for with them, too.
    wanted.action = wanted.action.replaceAll(" ", "_");
    if (further && before !== null) wanted.before = before;
    state.textContent = "Asking the gateway…";
    try {
      const page = await searchAudit(wanted);
      if (!further) rows.replaceChildren();
      rows.append(...page.rows.flatMap(entry));
      before = page.before;
      more.hidden = before === null;
      state.textContent = rows.children.length === 0 ? "Nothing fits." : counted(rows.querySelectorAll(".audit-row").length, "line");
    } catch (error) {
      replaceContent(state, errorNotice(error, () => load({ further })));
    }
  }

  async function verify() {
    state.textContent = "Reading the whole chain…";
    try {
      const { sound, rows: length, findings } = await verifyAudit();
      replaceContent(
        state,
        icon(sound ? "check" : "alert"),
        sound ? ` Nothing was changed, removed or moved in ${counted(length, "line")}.` : ` ${counted(findings.length, "finding")}:`,
        !sound && h("ul", {}, findings.slice(0, 20).map(({ fault, sequence, detail }) => h("li", {}, `${sequence}: ${fault.replaceAll("_", " ")}, ${detail}`))),
      );
    } catch (error) {
      replaceContent(state, errorNotice(error, verify));
    }
  }

  more.hidden = true;
  replaceContent(
    dialog.querySelector("[data-audit]"),
    form,
    state,
    h(
      "div",
      { class: "audit-scroller", tabindex: "0", role: "region", "aria-label": "The trail" },
      h(
        "table",
        { class: "audit" },
        h("thead", {}, h("tr", {}, ["When", "Who", "Did", "About", "Decision", "Outcome"].map((name) => h("th", { scope: "col" }, name)))),
        rows,
      ),
    ),
    more,
  );
  trigger.addEventListener("click", () => {
    dialog.showModal();
    load();
  });
}

/** One line, and below it what there is no room for. */
function entry(row) {
  const facts = { line: row.sequence, by: row.reason, error: row.error_code, took: `${row.duration_ms} ms`, face: row.face, credential: row.credential, reference: row.correlation_id, arguments: row.arguments, fingerprint: row.fingerprint };
  const shown = Object.entries(facts).filter(([, value]) => value !== null && value !== "");
  const details = h(
    "tr",
    { class: "audit-more", hidden: true },
    h("td", { colspan: "6" }, h("dl", { class: "facts" }, shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))))),
  );
  const toggle = h("button", { type: "button", class: "audit-toggle", "aria-expanded": "false" }, WHEN.format(new Date(row.at)));
  toggle.addEventListener("click", () => {
    details.hidden = !details.hidden;
    toggle.setAttribute("aria-expanded", String(!details.hidden));
  });
  const refused = row.decision === "refused";
  return [
    h(
      "tr",
      { class: refused ? "audit-row is-refused" : "audit-row" },
      h("td", {}, toggle),
      h("td", {}, row.subject),
      h("td", {}, row.action.replaceAll("_", " ")),
      h("td", {}, [row.server, row.target].filter(Boolean).join(" · ")),
      h("td", {}, icon(refused ? "cross" : "check"), ` ${row.decision}`),
      h("td", {}, row.outcome),
    ),
    details,
  ];
}

function text(label) {
  const input = h("input", { type: "text", class: "text-field", autocomplete: "off", spellcheck: "false" });
  return { input, element: h("label", { class: "panel-field" }, h("span", {}, label), input) };
}

function choice(label, options) {
  const input = h("select", { class: "select" }, options.map(([value, name]) => h("option", { value }, name)));
  return { input, element: h("label", { class: "panel-field" }, h("span", {}, label), input) };
}
