// Conversations held in this browser, newest first, each with its questions.

import { button, h, icon, replaceContent } from "../dom.js";

/** Draws the list into `element`. `onOpen(id, turnIndex)`, `onRemove(id)`. */
export function drawHistory(element, { all, current, onOpen, onRemove }) {
  if (all.length === 0) {
    replaceContent(element, h("p", { class: "side-empty" }, "Questions you ask are kept here, in this browser only."));
    return;
  }
  const items = all.map((conversation) =>
    h(
      "li",
      { class: conversation.id === current.id ? "talk is-current" : "talk" },
      h(
        "div",
        { class: "talk-head" },
        h(
          "button",
          {
            type: "button",
            class: "talk-open",
            "aria-current": conversation.id === current.id ? "true" : null,
            on: { click: () => onOpen(conversation.id, null) },
          },
          h("span", { class: "talk-title" }, conversation.title),
          h("span", { class: "talk-when" }, when(conversation)),
        ),
        button("", {
          icon: "trash",
          class: "button button-quiet talk-remove",
          "aria-label": `Forget: ${conversation.title}`,
          on: { click: () => onRemove(conversation.id) },
        }),
      ),
      conversation.id === current.id &&
        conversation.turns.length > 1 &&
        h(
          "ol",
          { class: "talk-turns" },
          conversation.turns.map((turn, index) =>
            h(
              "li",
              {},
              h("button", { type: "button", on: { click: () => onOpen(conversation.id, index) } }, turnSign(turn), turn.question),
            ),
          ),
        ),
    ),
  );
  replaceContent(element, h("ul", { class: "talks", on: { keydown: walk } }, items));
}

const turnSign = ({ data, error }) => icon(error ? "cross" : data && !data.results ? "question" : "dot");

const TODAY = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hour12: false });
const EARLIER = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });

function when({ at, turns }) {
  const date = new Date(at);
  const moment = date.toDateString() === new Date().toDateString() ? TODAY.format(date) : EARLIER.format(date);
  return `${moment} · ${turns.length} ${turns.length === 1 ? "question" : "questions"}`;
}

/** Up and down move between the questions. */
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const stops = [...event.currentTarget.querySelectorAll(".talk-open, .talk-turns button")];
  const next = stops[stops.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
