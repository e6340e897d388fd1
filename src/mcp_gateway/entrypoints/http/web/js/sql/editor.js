// SQL one can read and edit: a transparent text area over its own coloured copy.

import { button, freshId, h, replaceContent } from "../dom.js";
import { layOut } from "./layout.js";
import { tokensOf } from "./tokens.js";

/** SQL as coloured text, for reading. Each name and value token can be found again by `data-word`. */
export function highlighted(sql) {
  return h(
    "code",
    {},
    tokensOf(sql).map(({ type, text }) =>
      type === "space" || type === "sign" ? text : h("span", { class: `sql-${type}`, "data-word": wordOf(type, text) }, text),
    ),
  );
}

function wordOf(type, text) {
  if (type === "name") return text.replace(/^["`]|["`]$/g, "").toLowerCase();
  return type === "string" ? text.slice(1, -1).toLowerCase() : type === "number" ? text : null;
}

/**
 * The editor. `onRun(sql)` is called for the button and for Ctrl+Enter; `setBusy` locks it meanwhile.
 */
export function createSqlEditor({ sql, onRun, onStop }) {
  const original = layOut(sql);
  const field = h("textarea", {
    class: "sql-field",
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
    wrap: "soft",
    rows: "1",
    "aria-label": "SQL of this answer, editable. Control and Enter runs it.",
  });
  const copy = h("pre", { class: "sql-copy", "aria-hidden": "true" });
  const run = button("Run", { icon: "play", class: "button", "aria-keyshortcuts": "Control+Enter" });
  const stop = button("Stop", { icon: "stop", class: "button", hidden: true });
  const restore = button("Restore", { icon: "undo", class: "button", hidden: true });
  const copyButton = button("Copy", { icon: "copy", class: "button" });
  const note = h("span", { class: "sql-note", id: freshId("sql-note") }, "Edit and press Ctrl + Enter");
  field.setAttribute("aria-describedby", note.id);

  const refresh = () => {
    // The last line needs something on it to have a height.
    replaceContent(copy, highlighted(field.value), "\n");
    restore.hidden = field.value === original;
    note.hidden = !restore.hidden;
    run.classList.toggle("button-primary", !restore.hidden);
  };
  const go = () => field.value.trim() && !run.disabled && onRun(field.value.trim());
  field.addEventListener("input", refresh);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      go();
    }
  });
  run.addEventListener("click", go);
  stop.addEventListener("click", () => onStop?.());
  restore.addEventListener("click", () => {
    field.value = original;
    refresh();
    field.focus();
  });
  copyButton.addEventListener("click", () => copyText(field.value, copyButton));
  field.value = original;
  refresh();

  const element = h(
    "div",
    { class: "sql-editor" },
    h("div", { class: "sql-sheet" }, copy, field),
    h("div", { class: "sql-actions" }, run, stop, restore, copyButton, note),
  );
  return {
    element,
    field,
    setBusy(busy) {
      run.disabled = busy;
      stop.hidden = !busy;
    },
    /** Show other SQL, such as the repaired; Restore still leads back to the first. */
    show(text) {
      field.value = layOut(text);
      refresh();
    },
  };
}

/** Read-only SQL for readings, attempts and the like. */
export const sqlBlock = (sql) => h("pre", { class: "sql-block", tabindex: "0", "aria-label": "SQL" }, highlighted(layOut(sql)));

async function copyText(text, trigger) {
  const label = trigger.querySelector("span");
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
  } catch {
    label.textContent = "Not allowed";
  }
  setTimeout(() => {
    label.textContent = "Copy";
  }, 1600);
}

/** Insert text where the cursor stands, keeping the browser's undo. */
export function insertAtCursor(field, text) {
  const before = field.value.slice(0, field.selectionStart);
  const spaced = before && !/[\s(,.]$/.test(before) ? ` ${text}` : text;
  field.focus();
  field.setRangeText(spaced, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
