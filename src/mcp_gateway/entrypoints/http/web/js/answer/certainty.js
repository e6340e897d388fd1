// The margin note that says how sure the answer is, and who drafted it.

import { h } from "../dom.js";
import { counted, percent } from "../format.js";

export function certainty(data) {
  const share = data.chosen ? 1 : data.confidence;
  const meter = h(
    "span",
    { class: "meter", "aria-hidden": "true" },
    h("span", { style: { width: `${Math.round(100 * share)}%` } }),
  );
  return h(
    "section",
    { class: `note certainty ${data.results ? "" : "is-unsure"}` },
    h("p", {}, h("b", {}, verdict(data)), data.source !== "typed" && meter),
    data.source && h("small", {}, drafter(data), data.usage && ` · ${cost(data.usage)}`),
  );
}

function verdict({ chosen, results, source, recovery_performed: repaired, confidence }) {
  if (chosen) return "Your choice";
  if (!results) return "Not sure";
  if (source === "typed") return repaired ? "Yours, repaired" : "As you wrote it";
  return `${percent(confidence)} sure`;
}

function drafter({ source, usage }) {
  if (source === "typed") return "Written by you";
  return `Drafted by ${source === "engine" ? "the embedded engine" : (usage?.model ?? source)}`;
}

function cost({ input_tokens: input, output_tokens: output, cost_usd: dollars }) {
  return `${counted(input + output, "token")}${dollars === null ? "" : `, $${dollars.toFixed(4)}`}`;
}
