// Where values land on an axis, and which round values to write beside it. Pure arithmetic.

/** Round values from at or below `low` to at or above `high`, about `wanted` of them. */
export function niceTicks(low, high, wanted = 5) {
  if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(0, low), Math.max(0, low)];
  const step = niceStep((high - low) / Math.max(1, wanted));
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  // Multiplying keeps 0.1 + 0.2 from becoming 0.30000000000000004.
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  const share = rough / power;
  return (share <= 1 ? 1 : share <= 2 ? 2 : share <= 2.5 ? 2.5 : share <= 5 ? 5 : 10) * power;
}

/** A function from values between `low` and `high` to pixels between `start` and `end`. */
export function linear(low, high, start, end) {
  const span = high - low || 1;
  return (value) => start + ((value - low) / span) * (end - start);
}

/** Every how many-th of `count` labels to write when each needs `needed` of `available` pixels. */
export function labelStride(count, needed, available) {
  return Math.max(1, Math.ceil((count * needed) / Math.max(1, available)));
}
