// The question with its understood words marked. Pointing at a mark says what it means and shows its trace in the SQL.

import { freshId, h } from "../dom.js";

const KIND_NAMES = {
  entity: "thing", value: "stored value", table: "table", column: "column", condition: "condition", metric: "metric", period: "period",
};

export const kindName = (kind) => KIND_NAMES[kind] ?? kind;
export const kindClass = (kind) => (Object.hasOwn(KIND_NAMES, kind) ? `kind-is-${kind}` : "kind-is-entity");

/** The question's text as nodes: plain stretches, marks, and words nobody could explain. */
export function markedQuestion(question, entities, unexplained) {
  // Positions count characters, not the halves that JavaScript counts.
  const characters = Array.from(question);
  const stretches = [...entityStretches(entities), ...unexplainedStretches(characters, unexplained)]
    .filter(({ start, end }) => start >= 0 && end <= characters.length && start < end)
    .sort((one, other) => one.start - other.start || other.end - one.end);
  const nodes = [];
  let at = 0;
  for (const { start, end, make } of stretches) {
    if (start < at) continue;
    nodes.push(characters.slice(at, start).join(""), make(characters.slice(start, end).join("")));
    at = end;
  }
  nodes.push(characters.slice(at).join(""));
  return nodes;
}

const entityStretches = (entities) => entities.map((entity) => ({ start: entity.start, end: entity.end, make: (text) => mark(text, entity) }));

function unexplainedStretches(characters, words) {
  // Lower case letter by letter, so that every position stays where it was.
  const folded = characters.map((character) => (Array.from(character.toLowerCase()).length === 1 ? character.toLowerCase() : character));
  return words.flatMap((word) => {
    const wanted = Array.from(word.toLowerCase());
    const start = folded.findIndex((_, at) => wanted.every((letter, step) => folded[at + step] === letter)
      && !isLetter(folded[at - 1]) && !isLetter(folded[at + wanted.length]));
    return start < 0 ? [] : [{ start, end: start + wanted.length, make: unexplainedMark }];
  });
}

const isLetter = (character) => character !== undefined && /[\p{L}\p{N}]/u.test(character);

function mark(text, entity) {
  const tip = h("span", { class: "mark-tip", role: "tooltip", id: freshId("tip") },
    h("b", {}, meaning(entity)), h("span", {}, origin(entity)), entity.expression && h("code", {}, entity.expression));
  return h("span", { class: "mark-place" },
    h("button", { type: "button", class: `mark ${kindClass(entity.kind)}`, "aria-describedby": tip.id, "data-link": linkWords(entity) }, text), tip);
}

function unexplainedMark(text) {
  const tip = h("span", { class: "mark-tip", role: "tooltip", id: freshId("tip") }, h("b", {}, "Not used"), h("span", {}, "The answer does not depend on this word."));
  return h("span", { class: "mark-place" }, h("button", { type: "button", class: "mark mark-unused", "aria-describedby": tip.id }, text), tip);
}

/** What the word was taken to mean, in a few words. */
export function meaning(entity) {
  if (entity.label) return entity.label;
  if (entity.value !== null && entity.value !== undefined) return String(entity.value);
  return [entity.table, entity.column].filter(Boolean).join(".") || entity.original_term;
}

/** Of what kind it is, where it lives and who said so. */
export function origin(entity) {
  const place = [entity.table, entity.column].filter(Boolean).join(".");
  return [kindName(entity.kind), place && place !== meaning(entity) && place, entity.server && `from ${entity.server}`].filter(Boolean).join(" · ");
}

/** The words of the SQL this entity stands for; one per line, lower case. */
export function linkWords({ table, column, value }) {
  const specific = value !== null && value !== undefined ? [value, column] : [column ?? table];
  return specific.filter((word) => word !== null && word !== undefined).map((word) => String(word).toLowerCase()).join("\n") || null;
}

/** While a mark is pointed at or focused, its words in the SQL below stand out. */
export function linkMarksToSql(turn) {
  const light = (event, on) => {
    const words = event.target.closest?.("[data-link]")?.dataset.link?.split("\n");
    if (!words) return;
    for (const token of turn.querySelectorAll("[data-word]")) {
      if (words.includes(token.dataset.word)) token.classList.toggle("is-linked", on);
    }
  };
  for (const type of ["pointerover", "focusin"]) {
    turn.addEventListener(type, (event) => {
      light(event, true);
      if (event.target.matches?.(".mark")) keepInside(event.target.nextElementSibling);
    });
  }
  for (const type of ["pointerout", "focusout"]) turn.addEventListener(type, (event) => light(event, false));
}

/** Shift a tip that would stick out of the window. */
function keepInside(tip) {
  tip.style.setProperty("left", "0");
  const { right } = tip.getBoundingClientRect();
  const over = right - (document.documentElement.clientWidth - 12);
  if (over > 0) tip.style.setProperty("left", `${-Math.ceil(over)}px`);
}
