// Where the question is written. Enter asks, arrow keys bring earlier questions back, Escape stops.

import { insertAtCursor } from "./sql/editor.js";

/** Wires the form that stands in index.html. `onAsk(question)`, `onStop()`, `questions()` newest first. */
export function wireAskBox({ form, onAsk, onStop, questions }) {
  const field = form.querySelector("textarea");
  const ask = form.querySelector("[data-ask]");
  const stop = form.querySelector("[data-stop]");
  let recalled = -1;
  let draft = "";
  let busy = false;

  const fit = () => {
    field.style.setProperty("height", "auto");
    field.style.setProperty("height", `${Math.min(field.scrollHeight, 200)}px`);
    ask.disabled = busy || field.value.trim() === "";
  };

  const put = (text) => {
    field.value = text;
    fit();
    field.setSelectionRange(text.length, text.length);
  };

  const submit = () => {
    const question = field.value.trim();
    if (!question || busy) return;
    recalled = -1;
    put("");
    onAsk(question);
  };

  function recall(step) {
    const earlier = questions();
    const next = Math.max(-1, Math.min(earlier.length - 1, recalled + step));
    if (next === recalled) return;
    if (recalled === -1) draft = field.value;
    recalled = next;
    put(next === -1 ? draft : earlier[next]);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  field.addEventListener("input", () => {
    recalled = -1;
    fit();
  });
  field.addEventListener("keydown", (event) => {
    // While an input method composes, its Enter and arrows are not ours.
    if (event.isComposing) return;
    const oneLine = !field.value.includes("\n");
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" && oneLine && (recalled >= 0 || field.value === "" || field.selectionStart === 0)) {
      event.preventDefault();
      recall(1);
    } else if (event.key === "ArrowDown" && oneLine && recalled >= 0) {
      event.preventDefault();
      recall(-1);
    }
  });
  stop.addEventListener("click", onStop);
  fit();

  return {
    field,
    insert: (text) => insertAtCursor(field, text),
    put(text) {
      put(text);
      field.focus();
    },
    setBusy(now) {
      busy = now;
      // A hidden element loses the focus to nowhere; hand it on.
      if (document.activeElement === stop && !now) field.focus();
      stop.hidden = !now;
      ask.hidden = now;
      fit();
    },
  };
}
