// Builds elements. Every text from outside goes through here as a text node; nothing in this page parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes and children. `class`, `dataset`, `style` (an object, set through the CSSOM so that a
 * strict content policy holds) and `on` (event name to listener) are special; true sets a bare attribute;
 * false, null and undefined leave the attribute out. Children may be nodes, texts, arrays, or nothing.
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

export function append(parent, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Put these children in place of whatever stood there. */
export function replaceContent(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
  return parent;
}

/** One of the symbols at the end of index.html; decoration only, so hidden from assistive technology. */
export function icon(name, className = "") {
  return s(
    "svg",
    { class: `icon ${className}`.trim(), "aria-hidden": "true", focusable: "false" },
    s("use", { href: `#icon-${name}` }),
  );
}

export function button(label, { icon: iconName, class: className = "button", ...attributes } = {}) {
  return h(
    "button",
    { type: "button", class: className, ...attributes },
    iconName && icon(iconName),
    label && h("span", {}, label),
  );
}

let announcer;

/** Say it to assistive technology without moving the focus. */
export function announce(text) {
  announcer ??= document.getElementById("announcer");
  if (announcer) announcer.textContent = text;
}

let lastId = 0;

/** An id no other element of this page has. */
export function freshId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

export const prefersStillness = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
