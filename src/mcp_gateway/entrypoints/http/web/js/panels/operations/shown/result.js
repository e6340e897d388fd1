// What an operations tool found, drawn for people; which tool it was is told by what it found.

import { drawPatterns, drawRouter } from "./code.js";
import { drawHealth, drawTrouble } from "./diagnosis.js";
import { drawCache, drawEngine, drawPerformance } from "./measured.js";

const DRAWERS = [
  ["hypotheses", drawTrouble],
  ["backend_orchestrator_health", drawHealth],
  ["cache_coherence_analysis", drawCache],
  ["analysis_results", drawPerformance],
  ["tests_performed", drawEngine],
  ["router_code", drawRouter],
  ["issues_found", drawPatterns],
];

/** Nodes, the verdict first; null when this is no result of these tools. */
export function drawFound(found) {
  const [, draw] = DRAWERS.find(([member]) => found?.[member] !== undefined) ?? [];
  return draw ? draw(found) : null;
}
