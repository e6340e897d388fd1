// Text from outside, shown so that nothing in it is hidden.

import { h } from "./dom.js";

// Marks that change the direction of text, or that nobody sees: a server could hide orders to a model in them.
// Control characters too, but for tab and line feed, which lay text out.
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\u{e0000}-\u{e01ef}]/gu;

/** What a server said, as nodes; what cannot be seen in it is shown by its number. */
export function said(text) {
  const words = String(text ?? "");
  const nodes = [];
  let from = 0;
  for (const found of words.matchAll(UNSEEN)) {
    const number = found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    nodes.push(words.slice(from, found.index), h("span", { class: "unseen" }, `U+${number}`));
    from = found.index + found[0].length;
  }
  return [...nodes, words.slice(from)].filter((part) => part !== "");
}
