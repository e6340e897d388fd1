// Talks to the gateway. Every call ends: with a result, or with a `RequestFailed` in the product's one error shape.

import { eventsOf } from "./event-stream.js";
import { askWho, caller, ended, headers as sessionHeaders, ownerOf } from "./session.js";

const SHORT_LIMIT_MS = 20_000;
const QUERY_LIMIT_MS = 120_000;
// The server sends a sign of life well within this time while it works.
const SILENCE_LIMIT_MS = 45_000;

/** What went wrong, for people: `code`, `message`, `hint`, and `retryable` when trying again may help. */
export class RequestFailed extends Error {
  constructor({
    code,
    message,
    hint = "",
    retryable = false,
    data = {},
    status = 0,
    retry_after_seconds: wait = null,
    correlation_id: reference = "",
  }) {
    super(message);
    Object.assign(this, { code, hint, retryable, data, status, retryAfterSeconds: wait, reference });
  }

  get cancelled() {
    return this.code === "CANCELLED";
  }
}

export const getSchema = () => requestJson("/api/schema");
export const getServers = () => requestJson("/api/servers");
export const explainAccess = (body) => requestJson("/api/access/explain", { method: "POST", body });
export const verifyAudit = () => requestJson("/api/audit/verify", { timeLimitMs: QUERY_LIMIT_MS });

/** Lines of the audit trail that fit; empty values ask for nothing. */
export function searchAudit(wanted) {
  const given = Object.entries(wanted).filter(([, value]) => value !== "" && value !== null);
  return requestJson(`/api/audit?${new URLSearchParams(given)}`);
}

export const getHealth = (timeLimitMs = 8000) => requestJson("/api/health", { timeLimitMs, acceptErrors: true });

/** Run SQL the user wrote, through the same checks as drafted SQL. */
export function runSql(body, signal) {
  return requestJson("/api/sql", { method: "POST", body, signal, timeLimitMs: QUERY_LIMIT_MS });
}

/** The rows of this SQL as a file. */
export async function fetchCsv(sql) {
  try {
    const response = await send("/api/sql", {
      method: "POST",
      body: { sql },
      signal: combine(null, QUERY_LIMIT_MS),
      accept: "text/csv",
    });
    if (!response.ok) throw errorFrom(await readJson(response), response.status);
    return await response.blob();
  } catch (error) {
    throw asFailure(error, null);
  }
}

export async function requestJson(path, { method = "GET", body, signal, timeLimitMs = SHORT_LIMIT_MS, acceptErrors } = {}) {
  const limits = combine(signal, timeLimitMs);
  try {
    const response = await send(path, { method, body, signal: limits, accept: "application/json" });
    const content = await readJson(response);
    if (!response.ok && !(acceptErrors && response.status === 503)) throw errorFrom(content, response.status);
    return content;
  } catch (error) {
    throw asFailure(error, signal);
  }
}

/**
 * Ask, and hear of each step while it happens. `onStep` is called with every step event's content.
 * Resolves to the ChatResponse; its `success` may be false.
 */
export async function streamAnswer(body, { onStep, signal }) {
  const silence = new AbortController();
  const limits = combine(AbortSignal.any([signal, silence.signal]), QUERY_LIMIT_MS);
  let alarm = 0;
  const heard = () => {
    clearTimeout(alarm);
    alarm = setTimeout(() => silence.abort(new DOMException("silence", "TimeoutError")), SILENCE_LIMIT_MS);
  };
  heard();
  try {
    const response = await send("/api/chat/stream", { method: "POST", body, signal: limits, accept: "text/event-stream" });
    if (!response.ok) throw errorFrom(await readJson(response), response.status);
    for await (const { type, data } of eventsOf(response.body, heard)) {
      if (type === "step") onStep(JSON.parse(data));
      else if (type === "answer") return JSON.parse(data);
      else if (type === "error") throw errorFrom(JSON.parse(data), 0);
    }
    throw lostConnection();
  } catch (error) {
    throw asFailure(error, signal);
  } finally {
    clearTimeout(alarm);
  }
}

async function send(path, options) {
  const response = await sendOnce(path, options);
  if (response.status === 401) ended();
  if (response.status !== 403 || !(await isStale(response.clone()))) return response;
  // Somebody signed in anew in another window: the cookie is another one, and so is what goes with it.
  const before = ownerOf(caller());
  if (ownerOf(await askWho()) !== before) window.location.reload();
  return sendOnce(path, options);
}

function sendOnce(path, { method, body, signal, accept }) {
  const headers = { Accept: accept, ...sessionHeaders(method) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
}

async function isStale(response) {
  try {
    return (await response.json()).error?.code === "CSRF_REFUSED";
  } catch {
    return false;
  }
}

function combine(signal, timeLimitMs) {
  const limit = AbortSignal.timeout(timeLimitMs);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

async function readJson(response) {
  try {
    return await response.json();
  } catch (error) {
    if (error?.name !== "SyntaxError") throw error;
    throw new RequestFailed({
      code: "UNREADABLE_RESPONSE",
      status: response.status,
      retryable: true,
      message: `The gateway answered with status ${response.status} and no readable content.`,
      hint: "Is there a proxy between this page and the gateway?",
    });
  }
}

/** The failure described by an error body, whatever wraps it. */
export function errorFrom(content, status) {
  const shape = content?.error ?? content?.detail?.error ?? content?.detail ?? content;
  if (typeof shape?.message === "string") return new RequestFailed({ code: "ERROR", ...shape, status });
  // Plain calls of tools answer with problem details and nothing around them.
  if (typeof shape === "string" && typeof content?.code === "string") return new RequestFailed({ ...content, message: shape, status });
  return new RequestFailed({
    code: `HTTP_${status}`,
    status,
    retryable: status >= 500,
    message: typeof shape === "string" ? shape : `The gateway answered with status ${status}.`,
    hint: "Try again; if it happens again, look at the gateway's log.",
  });
}

function asFailure(error, userSignal) {
  if (error instanceof RequestFailed) return error;
  if (userSignal?.aborted) return new RequestFailed({ code: "CANCELLED", message: "Stopped.", hint: "", retryable: true });
  if (error?.name === "TimeoutError" || error?.name === "AbortError") {
    return new RequestFailed({
      code: "TIMED_OUT",
      retryable: true,
      message: "The gateway did not answer in time.",
      hint: "Ask for less (a shorter period, fewer rows), or try again.",
    });
  }
  return lostConnection();
}

const lostConnection = () =>
  new RequestFailed({
    code: "CONNECTION_LOST",
    retryable: true,
    message: "The connection to the gateway was lost.",
    hint: "Is it still running? Start it again with `mcp-gateway serve` (or `make demo`), then retry.",
  });
