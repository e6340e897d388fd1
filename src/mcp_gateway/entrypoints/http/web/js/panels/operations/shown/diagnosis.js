// Health and causes: the verdict, what stands behind it, what may be done, what was ruled out, what was not seen.

import { h, icon } from "../../../dom.js";
import { said } from "../../../said.js";
import { figureTable } from "./figures.js";
import { blindSpots, copyable, evidenceList, isObject, lookedAt, objectsOf, section, shareText, sideBySide, spokenName, tag, verdict, withCode } from "./parts.js";

const VERDICT_TONES = { healthy: "good", degraded: "poor", unhealthy: "bad" };
const WEIGHTS = { critical: "bad", high: "bad", medium: "poor", low: "" };
const RISKS = { none: "good", low: "good", medium: "poor", high: "bad" };
const HEALTH_PARTS = [["backend_orchestrator_health", "Gateway"], ["ai_engine_connectivity", "Engine"], ["cache_metrics", "Cache"], ["rate_limiting", "Limits"]];
const WELL = new Set(["healthy", "connected", "measured", "in_process", "ok"]);
const NO_WORD = new Set(["not_asked", "not_configured", "unknown"]);
const NOT_FACTS = new Set(["status", "tenant_id", "hit_rate_of"]);

/** Of `diagnose_gateway_health`. */
export function drawHealth(found) {
  return [
    verdict(toneOf(found.overall_status), found.overall_status, lookedAt(found.timestamp, found.window_seconds)),
    h("p", { class: "op-story" }, said(found.story)),
    found.next_action && h("p", { class: "op-next" }, icon("link"), h("span", {}, h("b", {}, "Next: "), said(found.next_action))),
    section("What is wrong", objectsOf(found.diagnostics).map(troubleCard)),
    actionsOf(found.actions),
    section("Parts", h("ul", { class: "op-parts" }, HEALTH_PARTS.map(([member, name]) => isObject(found[member]) && partOf(name, found[member])))),
    blindSpots(found),
  ];
}

/** Of `troubleshoot_production_issue`. */
export function drawTrouble(found) {
  const causes = objectsOf(found.hypotheses);
  const ruledOut = objectsOf(found.ruled_out);
  return [
    verdict(toneOf(found.verdict), found.verdict, h("span", { class: "op-sure" }, sureOf(found)), lookedAt(found.read_at, found.window_seconds)),
    causes.length === 0 && objectsOf(found.diagnostics).length === 0 && h("p", { class: "op-story" }, said(found.summary || noCause(found.verdict))),
    causes.length === 0 && evidenceList("Otherwise than usual", found.departures),
    section("Likeliest cause first", causes.length > 0 && h("ol", { class: "op-causes" }, causes.map(causeCard))),
    causes.length === 0 && section("What is wrong", objectsOf(found.diagnostics).map(troubleCard)),
    actionsOf(found.recommendations),
    section("Ruled out", ruledOut.length > 0 && h("ul", { class: "op-ruled" }, ruledOut.map(ruledOutLine))),
    blindSpots(found),
  ];
}

/** Where nothing wrong was seen, how much of what might be was ruled out. */
function sureOf({ verdict, confidence }) {
  const wrong = verdict === "degraded" || verdict === "unhealthy";
  return wrong ? ` ${shareText(confidence)} sure` : `, ${shareText(confidence)} of known causes ruled out`;
}

const noCause = (word) => (word === "healthy" ? "No cause stands: what was read is as usual." : "Nothing could be read that tells a cause.");

function ruledOutLine({ title, cause, why }) {
  return h("li", {}, icon("cross"), h("span", {}, h("b", {}, said(title)), " ", h("code", {}, said(cause)), h("small", {}, said(why))));
}

const toneOf = (word) => VERDICT_TONES[word] ?? "unsure";

function causeCard(cause) {
  return h(
    "li",
    { class: "op-card" },
    h("h4", {}, said(cause.title)),
    h(
      "p",
      { class: "op-meta" },
      h("meter", { min: 0, max: 1, value: cause.confidence, "aria-label": "How sure" }),
      [` ${shareText(cause.confidence)} · `, said(cause.component), " · ", h("code", {}, said(cause.cause))],
    ),
    h("p", { class: "op-why" }, said(cause.why)),
    evidenceList("Speaks for it", cause.for),
    evidenceList("Speaks against it", cause.against),
  );
}

/** Something that is wrong, or advice about it. */
export function troubleCard({ message, severity, component, impact, action, evidence }) {
  return h(
    "div",
    { class: "op-card" },
    h("h4", {}, said(message)),
    h("p", { class: "op-meta" }, tag(severity, WEIGHTS[severity]), component && [" ", said(component)]),
    h("p", { class: "op-why" }, said(impact ?? action)),
    evidenceList("What was read", evidence),
  );
}

function actionsOf(actions) {
  const found = objectsOf(actions);
  return section("What may be done", found.length > 0 && h("ol", { class: "op-actions" }, found.map(actionCard)));
}

function actionCard(action) {
  return h(
    "li",
    { class: "op-card" },
    h("h4", {}, said(action.action)),
    h("p", { class: "op-meta" }, tag(`risk: ${action.risk}`, RISKS[action.risk]), " ", tag(action.reversible ? "can be undone" : "cannot be undone", action.reversible ? "good" : "poor")),
    h(
      "dl",
      { class: "op-facts" },
      textsOf(action.preconditions).map((one) => fact("Must hold first", one)),
      fact("To see it first", action.dry_run),
      fact("Then watch", action.verify),
      fact("Undo", action.undo || "there is none"),
    ),
    action.command && copyable(action.command, "the command"),
  );
}

const textsOf = (value) => (Array.isArray(value) ? value.map(String) : []);

const fact = (name, value) => value && h("div", {}, h("dt", {}, name), h("dd", {}, withCode(value)));

function partOf(name, part) {
  const word = String(part.status);
  const tone = WELL.has(word) ? "good" : NO_WORD.has(word) ? "" : "poor";
  const facts = Object.entries(part).filter(([key, value]) => !NOT_FACTS.has(key) && ["number", "string"].includes(typeof value));
  const parts = isObject(part.parts) ? Object.entries(part.parts) : [];
  return h(
    "li",
    { class: "op-part" },
    h("h4", {}, name, " ", tag(spokenName(word), tone)),
    sideBySide(facts),
    sideBySide(parts),
    isObject(part.figures) && figureTable(`Figures: ${name}`, part.figures),
  );
}
