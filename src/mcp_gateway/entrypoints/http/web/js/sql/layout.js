// Breaks one long line of SQL at its clauses. Changes white space between tokens and nothing else.

import { tokensOf } from "./tokens.js";

const CLAUSES = new Set([
  "from",
  "where",
  "group",
  "having",
  "order",
  "limit",
  "union",
  "intersect",
  "except",
  "qualify",
  "window",
]);
const JOIN_WORDS = new Set(["left", "right", "full", "inner", "cross", "natural", "join"]);
const LONG = 60;

/** The same SQL on several lines; SQL that already has lines, or is short, is left alone. */
export function layOut(sql) {
  const text = sql.trim().replace(/;$/, "");
  if (text.includes("\n") || text.length <= LONG) return text;
  let depth = 0;
  let previousWord = "";
  let result = "";
  for (const token of tokensOf(text)) {
    const word = token.type === "keyword" || token.type === "function" ? token.text.toLowerCase() : "";
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    if (depth === 0 && startsLine(word, previousWord)) result = `${result.trimEnd()}\n${indent(word)}`;
    result += token.text;
    if (token.type !== "space") previousWord = word;
  }
  return result;
}

function startsLine(word, previousWord) {
  if (CLAUSES.has(word)) return true;
  if (word === "and") return true;
  return JOIN_WORDS.has(word) && !JOIN_WORDS.has(previousWord) && previousWord !== "outer";
}

const indent = (word) => (word === "and" ? "  " : "");
