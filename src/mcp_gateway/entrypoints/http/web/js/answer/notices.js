// What the reader must know beside the answer: errors, missing servers, cut results, repaired SQL.

import { button, h, icon } from "../dom.js";
import { counted } from "../format.js";
import { sqlBlock } from "../sql/editor.js";

/** A failure in the one shape: what happened, its code, what to do; with a way to try again. */
export function errorNotice(error, onRetry) {
  if (error.code === "CANCELLED") {
    return notice("stopped", "stop", h("p", {}, "Stopped before there was an answer."), retryButton("Ask again", onRetry));
  }
  const words = error.data?.database_message;
  const suggestions = Array.isArray(error.data?.suggestions) ? error.data.suggestions.slice(0, 5).map(String) : [];
  return h(
    "div",
    { class: "notice notice-error", role: "alert" },
    icon("alert"),
    h(
      "div",
      { class: "notice-body" },
      h("p", { class: "notice-title" }, error.message),
      error.hint && h("p", {}, ...withCode(error.hint)),
      suggestions.length > 0 &&
        h(
          "p",
          {},
          "The nearest names: ",
          suggestions.map((name, index) => [index > 0 && ", ", h("code", {}, name)]),
        ),
      typeof words === "string" && words !== error.message && h("p", { class: "notice-small" }, `The database said: ${words}`),
      h(
        "p",
        { class: "notice-small" },
        h("code", {}, error.code),
        error.retryAfterSeconds ? ` · try again in ${Math.ceil(error.retryAfterSeconds)} s` : "",
        error.reference ? ` · reference ${error.reference}` : "",
      ),
    ),
    retryButton("Try again", onRetry),
  );
}

const retryButton = (label, onRetry) => onRetry && button(label, { icon: "retry", class: "button", on: { click: onRetry } });

/** Text with `stretches in back quotes` set as code. */
function withCode(text) {
  return text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

function notice(kind, sign, ...children) {
  return h("div", { class: `notice notice-${kind}` }, icon(sign), h("div", { class: "notice-body" }, ...children));
}

/** Everything this answer has to admit, as elements in order of weight. */
export function admissions(data) {
  const warnings = [...new Set(data.warnings)];
  const missing = (data.metadata?.missing_servers ?? []).filter((name) => !warnings.some((text) => text.includes(name)));
  const cut = cutSentence(data.results, warnings);
  return [
    missing.length > 0 &&
      notice("warning", "alert", h("p", {}, `Answered without ${missing.join(" and ")}, which did not answer.`)),
    data.degraded &&
      warnings.length + missing.length === 0 &&
      notice("warning", "alert", h("p", {}, "Answered without a server that did not answer.")),
    ...warnings.map((text) =>
      isAboutSize(text) ? notice("info", "info", h("p", {}, text)) : notice("warning", "alert", h("p", {}, text)),
    ),
    cut && notice("info", "info", h("p", {}, cut)),
  ].filter(Boolean);
}

const isAboutSize = (text) => /^(Limited to|No rows fit)/.test(text);

function cutSentence(results, warnings) {
  if (!results) return "";
  if (results.kept)
    return `Only the first ${counted(results.kept, "row")} were kept with this page's history. Run the SQL again to see all.`;
  if (!results.truncated || warnings.some(isAboutSize)) return "";
  const size = results.truncated_by === "bytes" ? "large" : "long";
  const rest = results.total_rows === null ? "there are more" : `there are ${counted(results.total_rows, "row")}`;
  return `The result is ${size}: these are the first ${counted(results.row_count, "row")}, ${rest}.`;
}

/** What was understood, in one sentence. Answers kept by an earlier page have only the whole explanation. */
export const sentenceOf = ({ understood, explanation }) => understood ?? explanation;

/** How SQL that failed became SQL that ran; null when nothing failed. */
export function recoveryTrail(attempts, ran) {
  if (attempts.length === 0) return null;
  const title = ran
    ? `Repaired ${attempts.length === 1 ? "once" : `${attempts.length} times`} before it ran`
    : `Tried to repair it ${attempts.length === 1 ? "once" : `${attempts.length} times`}`;
  return h(
    "details",
    { class: "fold-out" },
    h("summary", {}, icon("wrench"), title),
    h(
      "ol",
      { class: "attempts" },
      attempts.map(({ sql, fault, message, repair }) =>
        h(
          "li",
          {},
          h("p", {}, h("b", {}, fault.replaceAll("_", " ")), message ? `: ${message}` : ""),
          sqlBlock(sql),
          repair && h("p", { class: "repair" }, icon("check"), repair),
        ),
      ),
    ),
  );
}
