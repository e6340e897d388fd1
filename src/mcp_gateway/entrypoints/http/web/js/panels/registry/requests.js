// What the panel of MCP servers asks the gateway. Names of servers and tools come from outside, so they are always encoded.

import { requestJson } from "../../api.js";

// Connecting to a server that does not answer takes a while until it is given up.
const CONNECTING_MS = 60_000;
const CALLING_MS = 120_000;
export const MOST_TOOLS = 1000;

const at = (name) => `/api/servers/${encodeURIComponent(name)}`;
const asked = (wanted) => new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== "" && value !== undefined));

export const getRegistered = () => requestJson("/api/servers");
export const getServerHealth = (name) => requestJson(`${at(name)}/health`);
export const addServer = (body) => requestJson("/api/servers", { method: "POST", body, timeLimitMs: CONNECTING_MS });

/** `act`: "test", "refresh", "enable" or "disable". */
export const actOn = (name, act) => requestJson(`${at(name)}/${act}`, { method: "POST", timeLimitMs: CONNECTING_MS });
export const removeServer = (name, { force = false } = {}) => requestJson(`${at(name)}?${asked({ force })}`, { method: "DELETE" });

/** `{tools, total}`; `wanted`: server, kind, status, offset. */
export const getTools = (wanted = {}) => requestJson(`/api/tools?${asked({ limit: MOST_TOOLS, ...wanted })}`);
export const getToolCost = () => requestJson("/api/tools/cost");
export const showTool = ({ server, kind, name }) => requestJson(`/api/tools/show?${asked({ server, kind, name })}`);
export const compareTool = ({ server, kind, name }) => requestJson(`/api/tools/diff?${asked({ server, kind, name })}`);

/** `verb`: "approve" or "block". The fingerprint says what was looked at; changed meanwhile, nothing is decided. */
export const decide = (verb, { server, kind, name }, fingerprint) =>
  requestJson(`/api/tools/${verb}`, { method: "POST", body: { server, kind, name, fingerprint } });

/** Call the tool, as a program would that speaks no MCP. Resolves to what it gave. */
export async function callTool(entry, given, signal) {
  return requestJson(await addressOf(entry), { method: "POST", body: given, signal, timeLimitMs: CALLING_MS });
}

/** At its own server; what is built in is called at the one endpoint, by the name it has there. */
async function addressOf({ server, name, builtIn }) {
  if (!builtIn) return `/servers/${encodeURIComponent(server)}/mcp/${encodeURIComponent(name)}`;
  const { explanations } = await explainTool(`${server}.${name}`);
  return `/mcp/${encodeURIComponent(explanations[0]?.listed ?? name)}`;
}

export const getCalls = (after) => requestJson(`/api/calls?${asked({ after, limit: 200 })}`);

/** Why somebody sees a tool, or not: oneself when `subject` and `roles` are empty, else only for who manages access. */
export function explainTool(tool, { subject = "", roles = [] } = {}) {
  const wanted = asked({ tool, subject });
  for (const role of roles) wanted.append("role", role);
  return requestJson(`/api/servers/explain?${wanted}`);
}
