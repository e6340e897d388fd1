// Pieces that results of several operations tools share. Drawn in the page and in the MCP App alike, so nothing here asks anybody.

import { button, h, icon } from "../../../dom.js";
import { said } from "../../../said.js";

const TONES = { good: "check", poor: "alert", bad: "cross", unsure: "question" };
const FEW_DIGITS = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const CLOCK = new Intl.DateTimeFormat("en", { timeStyle: "medium", hour12: false });
const SIZES = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]];
const ENDINGS = [["_ms", "ms"], ["_seconds", "s"], ["_bytes", "bytes"]];
const COPIED_MS = 1600;
export const MOST_SHOWN = 200;

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** The objects of a list; none when it is no list. */
export const objectsOf = (value) => (Array.isArray(value) ? value.filter(isObject) : []);

export const spokenName = (name) => String(name).replaceAll("_", " ");

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export const titleOf = (name) => capital(spokenName(name)).replace(/^Ai /, "AI ");

/** A value to read: no more digits than mean something. */
export function amount(value) {
  if (value === null || value === undefined) return "unknown";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return (Math.abs(value) >= 1000 ? WHOLE : FEW_DIGITS).format(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The same with its unit, which the name of a figure tells where nothing else does. */
export function measure(value, unit, name = "") {
  if (typeof value !== "number") return amount(value);
  if (unit === "share" || /_(share|rate)$/.test(name)) return `${FEW_DIGITS.format(value * 100)} %`;
  if (unit === "bytes" || name.endsWith("bytes")) return bytesText(value);
  if (unit === "1/s") return `${amount(value)}/s`;
  return unit && unit !== "1" ? `${amount(value)} ${unit}` : amount(value);
}

function bytesText(bytes) {
  const [size, word] = SIZES.find(([least]) => Math.abs(bytes) >= least) ?? [1, "bytes"];
  return `${FEW_DIGITS.format(bytes / size)} ${word}`;
}

/** Rounded down: 99.6 % is not certainty. */
export const shareText = (share) => (typeof share === "number" ? `${Math.floor(share * 100)} %` : "unknown");

/** The first thing to read. `tone`: good, poor, bad or unsure. */
export function verdict(tone, word, ...more) {
  return h("div", { class: `op-verdict is-${tone}` }, icon(TONES[tone]), h("p", {}, h("b", {}, said(capital(spokenName(word)))), more));
}

/** A part with its heading; null where there is nothing in it. */
export function section(title, ...content) {
  const inside = content.flat(Infinity).filter(Boolean);
  return inside.length === 0 ? null : h("section", { class: "op-section" }, h("h3", {}, title), inside);
}

export const tag = (text, tone = "") => h("span", { class: `tag op-tag ${tone && `is-${tone}`}`.trim() }, said(text));

/** Text with `stretches in back quotes` set as code. */
export const withCode = (text) => String(text ?? "").split("`").map((part, index) => (index % 2 ? h("code", {}, said(part)) : said(part)));

export function moment(at) {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "" : h("time", { datetime: at, title: at }, CLOCK.format(time));
}

/** `[name, value]` side by side; nothing where there are none. */
export const sideBySide = (entries) =>
  entries.length > 0 &&
  h("p", { class: "op-meta" }, entries.map(([name, value], index) => [index > 0 && " · ", memberOf(name, value)]));

/** The unit a name ends in stands behind the value instead. */
function memberOf(name, value) {
  const [ending, unit] = ENDINGS.find(([ending]) => name.endsWith(ending)) ?? ["", ""];
  return [`${spokenName(name.slice(0, name.length - ending.length))} `, h("b", {}, said(measure(value, unit, name)))];
}

/** When it was read, and over how long. */
export const lookedAt = (at, seconds) => h("span", { class: "op-when" }, "read at ", moment(at), typeof seconds === "number" && seconds > 0 && `, over ${overTime(seconds)}`);

const overTime = (seconds) => (seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);

/** What was read: signal, value, what is usual, who said it and when. */
export function evidenceList(title, signs) {
  const found = objectsOf(signs);
  if (found.length === 0) return null;
  return [h("h5", { class: "op-label" }, title), h("ul", { class: "op-signs" }, found.map(signOf))];
}

function signOf({ signal, value, unit, baseline, baseline_from: from, source, at }) {
  const usual = baseline === null || baseline === undefined ? "nothing to compare with" : `usually ${measure(baseline, unit)}${from ? `, by ${from}` : ""}`;
  return h(
    "li",
    { class: "op-sign" },
    h("code", { class: "op-signal" }, said(signal)),
    h("b", { class: "op-value" }, said(measure(value, unit))),
    h("span", { class: "op-usual" }, said(usual)),
    h("span", { class: "op-source" }, said(source), " · ", moment(at)),
  );
}

/** What could not be read, so that nobody takes silence for health. */
export function blindSpots(found) {
  const spots = objectsOf(found.blind_spots);
  return section(
    "Not seen",
    spots.length > 0 && h("ul", { class: "op-blind" }, spots.map(blindSpot)),
  );
}

function blindSpot({ what, why, hint }) {
  return h("li", {}, icon("question"), h("span", {}, h("b", {}, said(what)), ": ", said(why), hint && [" ", h("i", {}, withCode(hint))]));
}

/** The first of them drawn, and how many there are besides. */
export function atMost(rows, draw) {
  return [rows.slice(0, MOST_SHOWN).map(draw), rows.length > MOST_SHOWN && h("li", { class: "op-more" }, `… and ${amount(rows.length - MOST_SHOWN)} more, in the JSON`)];
}

/** A text with a button that copies it. `name` is what is read aloud. */
export function copyable(text, name, { tall = false } = {}) {
  const copy = button("Copy", { icon: "copy", class: "button op-copy", "aria-label": `Copy ${name}` });
  const block = h("pre", { class: tall ? "output op-file" : "output op-command", tabindex: "0", role: "region", "aria-label": name }, said(text));
  copy.addEventListener("click", () => copyText(text, copy, block));
  return h("div", { class: "op-copyable" }, block, copy);
}

/** Where the browser keeps the clipboard to itself, the text is marked, ready for the keys that copy. */
async function copyText(text, trigger, block) {
  const label = trigger.querySelector("span");
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
  } catch {
    window.getSelection().selectAllChildren(block);
    label.textContent = "Marked";
  }
  setTimeout(() => {
    label.textContent = "Copy";
  }, COPIED_MS);
}
