// Fetches the rows of an answer as a CSV file: the gateway runs the SQL again, so the file is complete and fresh.

import { fetchCsv } from "./api.js";
import { h } from "./dom.js";

/** Hand the file to the browser, named after the question. Rejects with RequestFailed. */
export async function saveCsv({ query, sql_query: sql }) {
  const address = URL.createObjectURL(await fetchCsv(sql));
  const name = (query ?? "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 60);
  h("a", { href: address, download: `${name || "result"}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
