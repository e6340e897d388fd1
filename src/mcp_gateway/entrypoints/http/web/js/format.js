// Turns result values into text for people. Knows column kinds, not elements.

const LOCALE = "en";
const GROUPED = new Intl.NumberFormat(LOCALE);
const COMPACT = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 });
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
// Whole numbers that name something: a thousands separator would change how they read.
const NAMES_SOMETHING = /(^|_|\b)(id|year|zip|postcode|code|key|no|nr)$/i;
const ISO_DATE = /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?.*)?)?$/;

export const isNumeric = (column) => column.kind === "integer" || column.kind === "number";
export const isTemporal = (column) => column.kind === "date" || column.kind === "timestamp";

/** A function from one column's values to text, the same number of decimals for all of them. */
export function columnFormatter(column, values) {
  if (isNumeric(column)) return numberFormatter(column, values);
  if (column.kind === "timestamp") {
    const wholeDays = values.every((value) => value === null || /[T ]00:00(:00)?(\.0+)?([Z+].*)?$/.test(String(value)));
    return (value) => (wholeDays ? String(value).slice(0, 10) : String(value).replace("T", " ").replace(/\.0+$/, ""));
  }
  return plain;
}

function numberFormatter(column, values) {
  const names = NAMES_SOMETHING.test(column.name);
  const decimals = names ? 0 : (declaredDecimals(column) ?? sharedDecimals(values));
  const format = new Intl.NumberFormat(LOCALE, {
    useGrouping: !names,
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  return (value) => {
    if (typeof value === "number") return names && !Number.isInteger(value) ? String(value) : format.format(value);
    if (typeof value === "string" && /^-?\d+$/.test(value)) return GROUPED.format(BigInt(value));
    return plain(value);
  };
}

/** The scale of a type such as DECIMAL(10,2), which is how its owner wants it written. */
function declaredDecimals({ type }) {
  const match = /^(?:decimal|numeric)\(\d+,\s*(\d+)\)$/i.exec(type ?? "");
  return match && Number(match[1]) <= 4 ? Number(match[1]) : null;
}

function sharedDecimals(values) {
  const fractions = values.filter((value) => typeof value === "number" && !Number.isInteger(value));
  if (fractions.length === 0) return 0;
  const largest = Math.max(...fractions.map(Math.abs));
  const allowed = largest >= 1 ? 2 : Math.min(8, 2 - Math.floor(Math.log10(largest)));
  return Math.min(allowed, Math.max(...fractions.map(decimalsOf)));
}

const decimalsOf = (number) => (String(number).split(/[.e]/)[1] ?? "").length || 8;

function plain(value) {
  if (typeof value === "object") return JSON.stringify(value);
  return typeof value === "boolean" ? (value ? "true" : "false") : String(value);
}

/** Every digit a number has, for tooltips; 12345.678 gives "12,345.678". */
export const fullNumber = (value) => new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 12 }).format(value);

/** 12,400 becomes "12.4K"; small numbers stay as they are. */
export function compactNumber(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 10000 ? COMPACT.format(value) : new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 4 }).format(value);
}

/** The values of an axis, all written the same way. */
export function axisTexts(values) {
  const large = values.some((value) => Math.abs(value) >= 10000);
  return values.map((value) => (large && value !== 0 ? COMPACT.format(value) : compactNumber(value)));
}

/** Milliseconds since 1970 in UTC; null when the text is no ISO date. */
export function dateOf(value) {
  const match = ISO_DATE.exec(String(value));
  if (!match) return null;
  const time = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3] ?? 1), ...clockOf(match));
  return Number.isNaN(time) ? null : time;
}

const clockOf = (match) => (match[4] ? match[4].split(":").map(Number) : []);

/** The coarsest way to write these dates that loses nothing: "year", "quarter" (if so named), "month", "day" or "minute". */
export function dateGrain(times, name = "") {
  const dates = times.map((time) => new Date(time));
  if (dates.some((date) => date.getUTCHours() || date.getUTCMinutes())) return "minute";
  if (dates.some((date) => date.getUTCDate() !== 1)) return "day";
  if (/quarter/i.test(name) && dates.every((date) => date.getUTCMonth() % 3 === 0)) return "quarter";
  return dates.some((date) => date.getUTCMonth() !== 0) || dates.length === 1 ? "month" : "year";
}

export function dateText(time, grain) {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  const month = MONTHS[date.getUTCMonth()];
  if (grain === "year") return String(year);
  if (grain === "quarter") return `Q${date.getUTCMonth() / 3 + 1} ${year}`;
  if (grain === "month") return `${month} ${year}`;
  const day = `${date.getUTCDate()} ${month} ${year}`;
  return grain === "day" ? day : `${day} ${date.toISOString().slice(11, 16)}`;
}

/** 0.4 gives "< 1 ms", 62.3 "62 ms", 2345 "2.3 s". */
export function duration(milliseconds) {
  if (milliseconds < 1) return "< 1 ms";
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Rounded down: 99.6 % is not certainty; and 0.4 % is not nothing. */
export function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  return `${Math.floor(Math.max(0, Math.min(1, share)) * 100)} %`;
}

export const counted = (number, singular, plural = `${singular}s`) =>
  `${GROUPED.format(number)} ${number === 1 ? singular : plural}`;

/** A column's name as people would say it: "total_revenue" gives "total revenue", "sum(sales.amount)" "sum of amount". */
export function spoken(name) {
  const called = /^([a-z_]+)\((.*)\)$/i.exec(name);
  const said = called ? spokenCall(called[1].toLowerCase(), called[2]) : lastPart(name);
  return said.replaceAll("_", " ").trim() || name;
}

function spokenCall(fn, inside) {
  if (fn === "count_star" || (fn === "count" && inside === "*")) return "count";
  if (fn === "date_trunc") return /^'?(\w+)/.exec(inside)?.[1].toLowerCase() ?? "date";
  // Anything nested is better read as it stands.
  return /^(distinct )?[\w.\s"]+$/i.test(inside) ? `${fn} of ${inside.split(".").at(-1)}` : `${fn}(${inside})`;
}

const lastPart = (name) => (/^\w+(\.\w+)+$/.test(name) ? name.split(".").at(-1) : name);

/** A heading for a column: names stand as they are, calculations as people would say them. */
export const headingOf = (name) => (name.includes("(") ? spoken(name) : name);
