// Routers: the files that were made, and the rules that are broken, each with its place.

import { h } from "../../../dom.js";
import { said } from "../../../said.js";
import { sentences } from "./figures.js";
import { atMost, copyable, objectsOf, section, shareText, tag, verdict, withCode } from "./parts.js";

const COMPLIANCES = { excellent: "good", good: "good", fair: "poor", poor: "bad" };
const PRIORITIES = { critical: "bad", high: "bad", medium: "poor" };
const MADE = [["router", "router_code"], ["tests", "test_code"]];

/** Of `generate_enterprise_router`: nothing was written, so the files are here to be taken. */
export function drawRouter(found) {
  return [
    verdict("good", `${found.router_name}, ${found.router_type}`, h("span", { class: "op-sure" }, " made; nothing is written yet")),
    sentences(found.notes),
    section("What it has", sentences(found.features)),
    section("Next", h("ol", { class: "op-steps" }, (found.next_steps ?? []).map((step) => h("li", {}, said(step))))),
    MADE.map(([which, member]) => fileOf(found.generated_files?.[which] ?? which, String(found[member] ?? ""))),
  ];
}

const fileOf = (path, text) => section(said(path), copyable(text, `the file ${path}`, { tall: true }));

/** Of `validate_enterprise_patterns`, file by file. */
export function drawPatterns(found) {
  const issues = objectsOf(found.issues_found);
  const files = Map.groupBy(issues.slice(), ({ file }) => String(file));
  const unreadable = objectsOf(found.unreadable);
  const many = found.files_validated === 1 ? "1 file" : `${found.files_validated} files`;
  return [
    found.files_validated > 0
      ? verdict(COMPLIANCES[found.overall_compliance] ?? "unsure", found.overall_compliance, h("span", { class: "op-sure" }, ` ${shareText(found.average_compliance_score)} over ${many}`))
      : verdict("unsure", "nothing judged"),
    issues.length === 0 && h("p", { class: "op-story" }, found.files_validated > 0 ? "No rule is broken." : "No router was found to judge."),
    [...files].map(([file, own]) => section(said(file), h("ul", { class: "op-issues" }, atMost(own, issueOf)))),
    section("Let stand", sentences(objectsOf(found.suppressed).map(({ file, line, rule, reason }) => `${file}:${line} ${rule}: ${reason}`))),
    section("Not read", sentences(unreadable.map(({ file, why }) => `${file}: ${why}`))),
    sentences(found.notes),
  ];
}

function issueOf({ line, column, issue, priority, rule, recommendation, fixable }) {
  return h(
    "li",
    { class: "op-card" },
    h("h4", {}, h("span", { class: "op-place" }, `line ${line}, column ${column}`), " ", said(issue)),
    h("p", { class: "op-meta" }, tag(priority, PRIORITIES[priority]), " ", h("code", {}, said(rule)), fixable && [" ", tag("can be mended by itself", "good")]),
    h("p", { class: "op-why" }, withCode(recommendation)),
  );
}
