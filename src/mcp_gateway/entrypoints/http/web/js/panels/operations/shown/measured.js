// Performance, cache and engine.

import { h, icon } from "../../../dom.js";
import { said } from "../../../said.js";
import { troubleCard } from "./diagnosis.js";
import { figureTable, isFigure, matrix, plainTable } from "./figures.js";
import { blindSpots, isObject, lookedAt, objectsOf, section, shareText, sideBySide, spokenName, tag, titleOf, verdict } from "./parts.js";
import { trendOf } from "./trend.js";

const ENDS = { all_pass: "good", incomplete: "poor", some_failed: "poor", all_failed: "bad" };
const TESTS = { pass: ["check", "good", "passed"], fail: ["cross", "bad", "failed"], skip: ["question", "", "skipped"] };
const NOT_TOLD = new Set(["test", "status", "reason"]);
const DRAWN_APART = new Set(["pictures", "trends", "note", "latency_tests", "latency_summary"]);
const CACHE_TABLES = [["families", "What is kept"], ["big_keys", "Largest keys"], ["hot_keys", "Most read keys"], ["invalidations", "Canary invalidations"]];
const WORSE = { latency: "higher", errors: "higher", rate_limiting: "higher", cache_performance: "lower" };
const LEADING = { latency: ["requests", "p99_ms"], throughput: ["requests_per_second"], cache_performance: ["hit_rate"], rate_limiting: ["refused_share"] };

/** Of `analyze_performance_metrics`. */
export function drawPerformance(found) {
  const results = found.analysis_results;
  const groups = Object.entries(results).filter(([name]) => !DRAWN_APART.has(name));
  const overall = Object.fromEntries(groups.filter(([, value]) => isFigure(value)));
  const probes = objectsOf(results.latency_tests);
  return [
    verdict(...leading(found, results), lookedAt(found.timestamp, found.window_seconds)),
    isObject(results.trends) && Object.values(results.trends).map(trendOf),
    section("Overall", figureTable("Overall", overall), sideBySide(numbersOf(results)), results.note && h("p", { class: "op-why" }, said(results.note))),
    groups.filter(([, value]) => !isFigure(value)).map(([name, value]) => section(titleOf(name), grouped(titleOf(name), value))),
    section("Probes of our own", plainTable("Probes of our own", probes)),
    blindSpots(found),
  ];
}

/** Tone, word and more of the figure that matters most. */
function leading(found, results) {
  const told = results.latency_summary?.assessment_reason;
  const figure = (LEADING[found.metric_type] ?? []).reduce((at, name) => at?.[name], results);
  const failed = found.metric_type === "errors" ? results.failed_share : undefined;
  if (typeof failed === "number") return [failed > 0 ? "poor" : "good", `${shareText(failed)} of requests failed`];
  if (!isFigure(figure) || figure.value === null) return ["unsure", told ?? "nothing was measured"];
  return [toneOfStanding(figure.standing, found.metric_type), told ?? `${titleOf(found.metric_type)}: ${spokenName(figure.standing)}`];
}

function toneOfStanding(standing, metric) {
  if (standing === WORSE[metric]) return "poor";
  return ["too_few", "no_baseline"].includes(standing) ? "unsure" : "good";
}

const numbersOf = (members) => Object.entries(members).filter(([, value]) => typeof value === "number");

function grouped(name, value) {
  if (Array.isArray(value)) return matrix(name, flattened(objectsOf(value))) ?? plainTable(name, value);
  return isObject(value) && figureTable(name, value);
}

/** `{cache, hit_share: figure}` and `{route, p50_ms: figure, …}` alike. */
const flattened = (rows) => rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => isFigure(value) || typeof value === "string")));

/** Of `analyze_cache_coherence`. */
export function drawCache(found) {
  const analysis = found.cache_coherence_analysis;
  const advice = objectsOf(found.recommendations);
  const read = objectsOf(analysis.families).length > 0 || Object.keys(analysis.figures ?? {}).length > 0;
  return [
    verdict(...standingOut(advice.length, read), lookedAt(found.timestamp, found.window_seconds)),
    section("What stands out", advice.map(troubleCard)),
    section("Figures", figureTable("Figures", analysis.figures ?? {}), sideBySide(numbersOf(analysis))),
    CACHE_TABLES.map(([member, title]) => section(title, plainTable(title, analysis[member]))),
    section("Sample of the keys", plainTable("Sample of the keys", found.sample_cache_analysis)),
    section("Recent invalidations", plainTable("Recent invalidations", found.recent_coherence_events)),
    blindSpots(found),
  ];
}

function standingOut(many, read) {
  if (many > 0) return ["poor", many === 1 ? "one thing stands out" : `${many} things stand out`];
  return read ? ["good", "nothing stands out"] : ["unsure", "nothing could be read"];
}

/** Of `test_ai_engine_integration`. */
export function drawEngine(found) {
  const tests = objectsOf(found.tests_performed);
  const skipped = tests.filter(({ status }) => status === "skip").length;
  return [
    verdict(ENDS[found.overall_status] ?? "unsure", found.overall_status, h("span", { class: "op-sure" }, " ", said(found.pass_rate), " passed", skipped > 0 && `, ${skipped} skipped`), lookedAt(found.timestamp)),
    section("What was tried", h("ul", { class: "op-tests" }, tests.map(testOf))),
  ];
}

function testOf(test) {
  const [sign, tone, words] = TESTS[test.status] ?? TESTS.skip;
  const facts = Object.entries(test).filter(([name, value]) => !NOT_TOLD.has(name) && value !== null);
  return h(
    "li",
    { class: `op-test is-${tone || "unsure"}` },
    icon(sign),
    h(
      "div",
      {},
      h("h4", {}, said(titleOf(test.test)), " ", tag(words, tone)),
      test.reason && h("p", { class: "op-why" }, said(test.reason)),
      sideBySide(facts),
    ),
  );
}
