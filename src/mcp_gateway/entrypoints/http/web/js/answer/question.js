// The question with its understood words marked. Pointing at a mark says what it means and shows its trace in the SQL.

import { freshId, h } from "../dom.js";

const KIND_NAMES = {
  entity: "thing",
  value: "stored value",
  table: "table",
  column: "column",
  condition: "condition",
  metric: "metric",
  period: "period",
};

export const kindName = (kind) => KIND_NAMES[kind] ?? kind;
export const kindClass = (kind) => (Object.hasOwn(KIND_NAMES, kind) ? `kind-is-${kind}` : "kind-is-entity");

/**
 * `nodes`: the question as plain stretches, marks, and words nobody could explain. `tips`: what each mark means; they
 * stand beside the question, so that its text stays the question alone.
 */
export function markedQuestion(question, entities, unexplained) {
  // Positions count characters, not the halves that JavaScript counts.
  const characters = Array.from(question);
  const stretches = [...entityStretches(entities), ...unexplainedStretches(characters, unexplained)]
    .filter(({ start, end }) => start >= 0 && end <= characters.length && start < end)
    .sort((one, other) => one.start - other.start || other.end - one.end);
  const nodes = [];
  const tips = [];
  let at = 0;
  for (const { start, end, make } of stretches) {
    if (start < at) continue;
    const { mark, tip } = make(characters.slice(start, end).join(""));
    nodes.push(characters.slice(at, start).join(""), mark);
    tips.push(tip);
    at = end;
  }
  nodes.push(characters.slice(at).join(""));
  return { nodes, tips };
}

const entityStretches = (entities) =>
  entities.map((entity) => ({ start: entity.start, end: entity.end, make: (text) => entityMark(text, entity) }));

function unexplainedStretches(characters, words) {
  // Lower case letter by letter, so that every position stays where it was.
  const folded = characters.map((character) =>
    Array.from(character.toLowerCase()).length === 1 ? character.toLowerCase() : character,
  );
  return words.flatMap((word) => {
    const wanted = Array.from(word.toLowerCase());
    const start = folded.findIndex(
      (_, at) =>
        wanted.every((letter, step) => folded[at + step] === letter) &&
        !isLetter(folded[at - 1]) &&
        !isLetter(folded[at + wanted.length]),
    );
    return start < 0 ? [] : [{ start, end: start + wanted.length, make: unexplainedMark }];
  });
}

const isLetter = (character) => character !== undefined && /[\p{L}\p{N}]/u.test(character);

function entityMark(text, entity) {
  return withTip(
    text,
    { class: `mark ${kindClass(entity.kind)}`, "data-link": linkWords(entity) },
    h("b", {}, meaning(entity)),
    h("span", {}, origin(entity)),
    entity.expression && h("code", {}, entity.expression),
  );
}

const unexplainedMark = (text) =>
  withTip(text, { class: "mark mark-unused" }, h("b", {}, "Not used"), h("span", {}, "The answer does not depend on this word."));

function withTip(text, attributes, ...content) {
  const tip = h("div", { class: "mark-tip", role: "tooltip", id: freshId("tip"), hidden: true }, content);
  return { mark: h("button", { type: "button", "aria-describedby": tip.id, ...attributes }, text), tip };
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
  return [kindName(entity.kind), place && place !== meaning(entity) && place, entity.server && `from ${entity.server}`]
    .filter(Boolean)
    .join(" · ");
}

/** The words of the SQL this entity stands for; one per line, lower case. */
export function linkWords({ table, column, value, expression }) {
  const calculated = [...(expression ?? "").matchAll(/\.(\w+)/g)].map(([, name]) => name);
  const specific =
    value !== null && value !== undefined ? [value, column] : calculated.length > 0 ? calculated : [column ?? table];
  return (
    specific
      .filter((word) => word !== null && word !== undefined)
      .map((word) => String(word).toLowerCase())
      .join("\n") || null
  );
}

/** While a mark is pointed at or focused, its tip shows and its words in the SQL below stand out. */
export function linkMarks(turn) {
  const light = ({ target }, on) => {
    const words = target.closest?.("[data-link]")?.dataset.link.split("\n") ?? [];
    for (const token of turn.querySelectorAll("[data-word]")) {
      if (words.includes(token.dataset.word)) token.classList.toggle("is-linked", on);
    }
    if (target.matches?.(".mark")) showTip(target, on);
  };
  for (const type of ["pointerover", "focusin"]) turn.addEventListener(type, (event) => light(event, true));
  for (const type of ["pointerout", "focusout"]) turn.addEventListener(type, (event) => light(event, false));
}

function showTip(mark, on) {
  const tip = document.getElementById(mark.getAttribute("aria-describedby"));
  if (!tip) return;
  tip.hidden = !on;
  if (!on) return;
  const frame = tip.offsetParent.getBoundingClientRect();
  // A mark may run over two lines; the tip belongs under the first stretch.
  const place = mark.getClientRects()[0];
  const left = Math.min(place.left, document.documentElement.clientWidth - tip.offsetWidth - 12) - frame.left;
  tip.style.setProperty("left", `${Math.round(left)}px`);
  tip.style.setProperty("top", `${Math.round(place.bottom - frame.top + 6)}px`);
}
