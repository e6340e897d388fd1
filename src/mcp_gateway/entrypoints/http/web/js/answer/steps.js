// The steps of an answer as they happen, then as a small timeline; each opens to what went in and what came out.

import { freshId, h, icon, replaceContent } from "../dom.js";
import { duration } from "../format.js";

const EXPECTED = ["gather", "resolve", "draft", "validate", "run", "answer"];
const DOING = {
  gather: "Gathering what the servers know",
  resolve: "Resolving words",
  draft: "Drafting SQL",
  validate: "Checking the SQL",
  run: "Running it",
  recover: "Repairing the SQL",
  answer: "Putting it in words",
};
const SIGNS = { ok: "check", failed: "cross", skipped: "dash", running: "dot", waiting: "dot" };

/** `{element, update(step), settle(steps), halt()}`; `onDoing(text)` is called as each step begins. */
export function createSteps({ onDoing = () => {} } = {}) {
  const rows = new Map();
  const list = h("ol", { class: "steps" });
  const total = h("span", { class: "steps-total" });
  const element = h("section", { class: "note note-steps" }, h("h3", {}, "Steps ", total), list);

  const rowFor = (name) => {
    if (!rows.has(name)) {
      const row = createRow(name);
      rows.set(name, row);
      // Answering comes last, whatever else turns up.
      list.insertBefore(row.element, name === "answer" ? null : (rows.get("answer")?.element ?? null));
    }
    return rows.get(name);
  };

  const scale = () => {
    const ended = [...rows.values()].map((row) => row.step).filter((step) => step?.phase !== "start" && step);
    const end = Math.max(1, ...ended.map((step) => step.started_ms + step.duration_ms));
    for (const row of rows.values()) row.scaleTo(end);
    return end;
  };

  for (const name of EXPECTED) rowFor(name);
  return {
    element,
    update(step) {
      const row = rowFor(step.name);
      row.show(step);
      if (step.phase === "start" || step.status === "running") onDoing(DOING[step.name] ?? step.name);
      scale();
    },
    settle(steps) {
      const seen = new Set(steps.map(({ name }) => name));
      for (const [name, row] of rows) {
        if (seen.has(name)) continue;
        row.element.remove();
        rows.delete(name);
      }
      for (const step of merged(steps)) rowFor(step.name).show(step);
      total.textContent = duration(scale());
      element.hidden = steps.length === 0;
    },
    /** Nothing more will come. */
    halt() {
      element.hidden = [...rows.values()].every((row) => row.step === null);
      for (const row of rows.values()) row.halt();
    },
  };
}

/** A step that ran more than once (validate and run, when SQL was repaired) becomes one entry that says so. */
function merged(steps) {
  const byName = new Map();
  for (const step of steps) {
    const earlier = byName.get(step.name);
    byName.set(
      step.name,
      earlier
        ? {
            ...step,
            started_ms: earlier.started_ms,
            duration_ms: earlier.duration_ms + step.duration_ms,
            times: (earlier.times ?? 1) + 1,
          }
        : step,
    );
  }
  return byName.values();
}

function createRow(name) {
  const details = h("div", { class: "step-details", id: freshId("step"), hidden: true });
  const sign = h("span", { class: "step-sign" }, icon(SIGNS.waiting));
  const status = h("span", { class: "visually-hidden" }, ", waiting");
  const time = h("span", { class: "step-time" });
  const bar = h("span", { class: "step-bar" });
  const toggle = h(
    "button",
    {
      type: "button",
      class: "step-head",
      disabled: true,
      "aria-expanded": "false",
      "aria-controls": details.id,
      on: { click: () => open(details.hidden) },
    },
    sign,
    h("span", { class: "step-name" }, name, status),
    h("span", { class: "step-track", "aria-hidden": "true" }, bar),
    time,
  );
  const element = h("li", { class: "step is-waiting" }, toggle, details);
  const row = { element, step: null };

  function open(wanted) {
    details.hidden = !wanted;
    toggle.setAttribute("aria-expanded", String(wanted));
  }

  function paint(state) {
    element.className = `step is-${state}`;
    replaceContent(sign, icon(SIGNS[state] ?? SIGNS.ok));
    status.textContent = `, ${state === "ok" ? "done" : state}`;
  }

  row.show = (step) => {
    row.step = step;
    const running = step.phase === "start" || step.status === "running";
    paint(running ? "running" : step.status);
    if (running) return;
    const times = step.times ? `${step.times} × · ` : "";
    time.textContent = step.status === "skipped" ? "" : `${times}${duration(step.duration_ms)}`;
    const parts = [facts("in", step.input), facts("out", step.output)].filter(Boolean);
    toggle.disabled = parts.length === 0;
    replaceContent(details, parts);
  };
  row.scaleTo = (end) => {
    if (!row.step || row.step.phase === "start") return;
    bar.style.setProperty("left", `${(100 * row.step.started_ms) / end}%`);
    bar.style.setProperty("width", `${Math.max(1.5, (100 * row.step.duration_ms) / end)}%`);
  };
  row.halt = () => {
    if (element.classList.contains("is-running")) paint("failed");
    if (element.classList.contains("is-waiting")) paint("skipped");
  };
  return row;
}

function facts(title, values) {
  const entries = Object.entries(values ?? {}).filter(([, value]) => value !== null && value !== "");
  if (entries.length === 0) return null;
  return h(
    "div",
    {},
    h("p", { class: "facts-title" }, title),
    h(
      "dl",
      { class: "facts" },
      entries.map(([name, value]) => h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, factText(value)))),
    ),
  );
}

function factText(value) {
  const text =
    Array.isArray(value) && value.every((item) => typeof item !== "object")
      ? value.join(", ")
      : typeof value === "object"
        ? JSON.stringify(value)
        : String(value);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
