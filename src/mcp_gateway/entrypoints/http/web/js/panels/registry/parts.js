// Small pieces the tabs of this panel share.

import { freshId, h, icon } from "../../dom.js";

/** A labelled text field. */
export function textField(label, attributes = {}) {
  const input = h("input", { type: "text", class: "text-field", autocomplete: "off", spellcheck: "false", ...attributes });
  return { input, element: h("label", { class: "panel-field" }, h("span", {}, label, attributes.required && needed()), input) };
}

/** A labelled choice; options are `[value, words]`. */
export function choiceField(label, options) {
  const input = h("select", { class: "select" }, options.map(([value, words]) => h("option", { value }, words)));
  return { input, element: h("label", { class: "panel-field" }, h("span", {}, label), input) };
}

export const needed = () => h("span", { class: "needed", title: "needed" }, " *", h("span", { class: "visually-hidden" }, " needed"));

export const waiting = (words) => h("p", { class: "panel-state", role: "status" }, h("span", { class: "spinner" }), ` ${words}`);

export const empty = (...words) => h("p", { class: "registry-empty" }, words);

/** A region that opens and closes below its button; `draw(place)` is called each time it opens. */
export function disclosure({ head, draw, class: className }) {
  const id = freshId("registry");
  const body = h("div", { class: `${className}-body`, id, hidden: true });
  const toggle = h("button", { type: "button", class: `${className}-head`, "aria-expanded": "false", "aria-controls": id }, icon("chevron"), head);
  toggle.addEventListener("click", () => {
    body.hidden = !body.hidden;
    toggle.setAttribute("aria-expanded", String(!body.hidden));
    if (!body.hidden) draw(body);
  });
  return { element: h("li", { class: className }, toggle, body), isOpen: () => !body.hidden };
}

/** Milliseconds for people. */
export function milliseconds(value) {
  if (typeof value !== "number") return "–";
  if (value >= 10_000) return `${(value / 1000).toFixed(0)} s`;
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(1)} ms`;
}
