// The margin note that lists what each word was taken to mean, and which words nobody could explain.

import { h } from "../dom.js";
import { kindClass, linkWords, meaning, origin } from "./question.js";

/** The list, or null when there is nothing to say. */
export function wordList(entities, unexplained) {
  const distinct = [...new Map(entities.map((entity) => [`${entity.original_term}|${meaning(entity)}`, entity])).values()];
  if (distinct.length === 0 && unexplained.length === 0) return null;
  return h(
    "section",
    { class: "note" },
    h("h3", {}, "Words"),
    h("dl", { class: "words" }, distinct.map(wordEntry), unexplained.map(unusedEntry)),
  );
}

function wordEntry(entity) {
  const sure = entity.score < 0.995 ? ` · ${Math.round(entity.score * 100)} % alike` : "";
  return h(
    "div",
    { class: `word ${kindClass(entity.kind)}`, "data-link": linkWords(entity) },
    h("dt", {}, entity.original_term),
    h("dd", {}, h("b", {}, meaning(entity)), h("small", {}, origin(entity), sure)),
  );
}

const unusedEntry = (word) =>
  h(
    "div",
    { class: "word word-unused" },
    h("dt", {}, word),
    h("dd", {}, h("b", {}, "not used"), h("small", {}, "nothing in the data or the glossary fits it")),
  );
