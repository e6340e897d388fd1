// What looking at a server found, in words.

import { h, icon } from "../../dom.js";
import { counted } from "../../format.js";
import { said } from "../../said.js";
import { milliseconds } from "./parts.js";

const SIGNS = { error: "cross", warning: "alert", note: "info" };
const NOUNS = { tools: "tool", prompts: "prompt", resources: "resource", templates: "resource template" };

/** An element; null when the server was not looked at. */
export function inspectionOf(found) {
  if (!found) return null;
  return h(
    "div",
    { class: `inspection ${found.usable ? "is-usable" : "is-unusable"}` },
    h("p", { class: "inspection-verdict" }, icon(found.usable ? "check" : "cross"), h("b", {}, verdict(found))),
    found.reachable && h("p", {}, who(found), " ", offers(found)),
    found.auth && h("p", {}, signInNeeded(found.auth)),
    found.findings.length > 0 && h("ul", { class: "findings" }, found.findings.slice(0, 100).map(finding)),
  );
}

const verdict = ({ usable, reachable }) => (usable ? "It can be used." : reachable ? "It answers, but cannot be used like this." : "It could not be reached.");

function who({ name, version, era, revision, latency_ms: latency }) {
  return [
    name ? h("span", {}, "It calls itself ", h("bdi", {}, said([name, version].filter(Boolean).join(" "))), ", ") : "It ",
    era ? `speaks ${revision} (${era === "modern" ? "no handshake" : "with a handshake"})` : "was not understood",
    latency === null ? "." : ` and answered in ${milliseconds(latency)}.`,
  ];
}

function offers({ lists }) {
  const some = lists.filter(({ count }) => count > 0);
  if (some.length === 0) return "It offers nothing yet.";
  const tokens = some.reduce((sum, one) => sum + one.tokens, 0);
  const words = some.map(({ kind, count, complete }) => `${complete ? "" : "more than "}${counted(count, NOUNS[kind] ?? kind)}`);
  return `It offers ${words.join(", ")}: about ${counted(tokens, "token")} to a model that reads them.`;
}

function signInNeeded({ scheme, authorization_servers: servers, scopes }) {
  const parts = [
    `It wants a credential${scheme ? ` (${scheme})` : ""}`,
    servers.length > 0 && `, from ${servers.join(" or ")}`,
    scopes.length > 0 && `, for ${scopes.join(" ")}`,
    ".",
  ];
  return said(parts.filter(Boolean).join(""));
}

function finding({ severity, message, hint }) {
  return h(
    "li",
    { class: `finding is-${Object.hasOwn(SIGNS, severity) ? severity : "note"}` },
    icon(SIGNS[severity] ?? "info"),
    h("span", {}, h("b", { class: "visually-hidden" }, `${severity}: `), said(message), hint && h("small", {}, withCode(hint))),
  );
}

const withCode = (text) => text.split("`").map((part, index) => (index % 2 ? h("code", {}, said(part)) : said(part)));
