// Fields of a tool in words of its user; what is left empty is left out, and the gateway has the last word.

import { freshId, h } from "../../dom.js";
import { choiceField, textField } from "../registry/parts.js";

const MAKERS = { choice, text, number, tick, several, code };

/** `specs`: `{kind, name, label, …}`. Returns `{elements, read()}`. */
export function fieldsFor(specs) {
  const fields = specs.map((spec) => [spec.name, MAKERS[spec.kind](spec)]);
  return {
    elements: fields.map(([, { element }]) => element),
    read: () => Object.fromEntries(fields.map(([name, { read }]) => [name, read()]).filter(([, value]) => value !== undefined)),
  };
}

function choice({ label, options }) {
  const { element, input } = choiceField(label, options);
  return { element, read: () => input.value };
}

function number({ label, options }) {
  const { element, input } = choiceField(label, options);
  return { element, read: () => Number(input.value) };
}

function text({ label, placeholder, required, maxlength = 200 }) {
  const { element, input } = textField(label, { placeholder, required, maxlength });
  return { element, read: () => input.value.trim() || undefined };
}

function tick({ label, checked = false }) {
  const input = h("input", { type: "checkbox", checked });
  return { element: h("label", { class: "op-tick" }, input, h("span", {}, label)), read: () => input.checked };
}

function several({ label, options }) {
  const boxes = options.map((value) => [value, h("input", { type: "checkbox", checked: true })]);
  const element = h("fieldset", { class: "op-several" }, h("legend", {}, label), boxes.map(([value, input]) => h("label", { class: "op-tick" }, input, h("span", {}, value))));
  return { element, read: () => boxes.filter(([, input]) => input.checked).map(([value]) => value) };
}

function code({ label, placeholder }) {
  const id = freshId("code");
  const input = h("textarea", { id, rows: "6", class: "text-field text-area is-code", spellcheck: "false", placeholder });
  return { element: h("div", { class: "panel-field op-wide" }, h("label", { for: id }, label), input), read: () => (input.value.trim() ? input.value : undefined) };
}
