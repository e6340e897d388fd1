// How long a server took to answer, look by look, as a line of a finger's width.

import { s } from "../../dom.js";
import { milliseconds } from "./parts.js";

const WIDTH = 120;
const HEIGHT = 26;
const EDGE = 3;

/** `samples`: `{latency_ms, code}`, the oldest first; a failed look is a mark at the foot. Null when there is nothing to draw. */
export function sparkline(samples) {
  if (samples.length === 0) return null;
  const answered = samples.filter(({ code }) => !code).map(({ latency_ms: latency }) => latency);
  const highest = Math.max(...answered, 1);
  const x = (index) => EDGE + (samples.length === 1 ? 0.5 : index / (samples.length - 1)) * (WIDTH - 2 * EDGE);
  const y = (latency) => HEIGHT - EDGE - (latency / highest) * (HEIGHT - 2 * EDGE);
  const failed = samples.length - answered.length;
  const range = answered.length === 0 ? "none answered" : `${milliseconds(Math.min(...answered))} to ${milliseconds(Math.max(...answered))}`;
  const words = `Latency in the last ${samples.length === 1 ? "look" : `${samples.length} looks`}: ${range}${failed && answered.length ? `, ${failed} failed` : ""}`;
  const last = samples.length - 1;
  return s(
    "svg",
    { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words },
    s("title", {}, words),
    s("path", { class: "spark-line", d: line(samples, x, y) }),
    samples.map(({ code }, index) => code && s("path", { class: "spark-fault", d: `M${round(x(index))} ${HEIGHT}v-6` })),
    !samples[last].code && s("circle", { class: "spark-now", cx: round(x(last)), cy: round(y(samples[last].latency_ms)), r: 2 }),
  );
}

/** A failed look leaves a gap. */
function line(samples, x, y) {
  let path = "";
  let drawing = false;
  for (const [index, { latency_ms: latency, code }] of samples.entries()) {
    if (!code) path += `${drawing ? "L" : "M"}${round(x(index))} ${round(y(latency))}`;
    drawing = !code;
  }
  return path;
}

const round = (number) => Math.round(number * 10) / 10;
