// Cuts SQL into tokens for colouring. No parser: enough to tell words, texts, numbers and comments apart, never throws.

const KEYWORDS = new Set(
  `
  all and any array as asc between both by case cast collate cross cube current current_date current_time current_timestamp
  date desc distinct else end escape except exists extract false fetch filter first following for from full group grouping
  having ilike in inner intersect interval into is join last lateral leading left like limit natural next not null nulls
  offset on only or order outer over partition percent preceding qualify range recursive right rollup row rows select sets
  similar some symmetric table then ties time timestamp to trailing true unbounded union unnest using values when where
  window with within year month day quarter week hour minute second decimal double integer varchar bigint
`
    .trim()
    .split(/\s+/),
);

const PATTERN = new RegExp(
  [
    String.raw`(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))`,
    String.raw`(?<string>'(?:[^']|'')*(?:'|$))`,
    String.raw`(?<quoted>"(?:[^"]|"")*(?:"|$)|${"`"}[^${"`"}]*(?:${"`"}|$))`,
    String.raw`(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{N}_$]*)`,
    String.raw`(?<space>\s+)`,
    String.raw`(?<sign>.)`,
  ].join("|"),
  "gu",
);

/**
 * `{type, text}` in order; joined they are the input again. Types: keyword, function, name, string, number, comment, sign,
 * space.
 */
export function tokensOf(sql) {
  const tokens = [];
  for (const match of sql.matchAll(PATTERN)) {
    const [type, text] = Object.entries(match.groups).find(([, found]) => found !== undefined);
    tokens.push({ type: type === "word" ? wordType(text, sql, match.index) : type === "quoted" ? "name" : type, text });
  }
  return tokens;
}

function wordType(text, sql, start) {
  const called = /^\s*\(/.test(sql.slice(start + text.length, start + text.length + 20));
  const keyword = KEYWORDS.has(text.toLowerCase());
  if (
    called &&
    !(keyword && /^(in|and|or|on|as|over|filter|values|exists|using|from|where|not|when|then|by|select)$/i.test(text))
  )
    return "function";
  return keyword ? "keyword" : "name";
}
