// One registered server: how it is, what it offers, and what may be done about it.

import { errorNotice } from "../../answer/notices.js";
import { announce, button, h, icon, replaceContent } from "../../dom.js";
import { counted } from "../../format.js";
import { said } from "../../said.js";
import { inspectionOf } from "./inspection.js";
import { milliseconds, waiting } from "./parts.js";
import { actOn, getServerHealth, removeServer } from "./requests.js";
import { sparkline } from "./sparkline.js";

const CONDITIONS = { up: ["is-well", "answers"], down: ["is-ill", "does not answer"], unknown: ["", "not looked at yet"] };
const TRANSPORTS = { http: "Streamable HTTP", sse: "HTTP + SSE", stdio: "a program here", built_in: "built in" };
const DONE = { enable: "is offered again", disable: "is switched off", test: "was looked at", refresh: "was looked at anew" };

/** `counts`: `{tools, waiting, blocked}` or null; `actions`: `changed()` and `toTools({server, status})`. */
export function serverCard(server, counts, actions) {
  let health = null;
  let busy = false;
  const head = h("div", { class: "card-head" });
  const facts = h("p", { class: "card-facts" });
  const ways = h("div", { class: "card-ways" });
  const outcome = h("div", { class: "card-outcome", "aria-live": "polite" });
  const element = h("li", { class: "card", dataset: { server: server.name } }, head, facts, ways, outcome);

  function draw() {
    const [colour, words] = conditionOf(server, health);
    replaceContent(
      head,
      h("span", { class: `dot ${colour}`, "aria-hidden": "true" }),
      h("h3", {}, h("bdi", {}, said(server.title || server.name))),
      server.title && server.title !== server.name && h("code", { class: "card-name" }, server.name),
      h("span", { class: "card-condition" }, words),
      h("span", { class: "card-latency" }, health && sparkline(health.samples), health?.latency_ms != null && milliseconds(health.latency_ms)),
    );
    keepingFocus(facts, () => replaceContent(facts, factsOf(server, health), badges(counts, server, actions), server.fault && faultOf(server.fault)));
    keepingFocus(ways, () => replaceContent(ways, server.changeable && server.source !== "built_in" ? buttons() : null));
    setBusy(busy);
  }

  function buttons() {
    return [
      button("Test", { icon: "play", "aria-label": `Test ${server.name}`, on: { click: () => act("test") } }),
      button("Refresh", { icon: "retry", "aria-label": `Refresh ${server.name}`, on: { click: () => act("refresh") } }),
      server.enabled
        ? button("Disable", { icon: "stop", "aria-label": `Disable ${server.name}`, on: { click: () => act("disable") } })
        : button("Enable", { icon: "check", "aria-label": `Enable ${server.name}`, on: { click: () => act("enable") } }),
      button("Remove", { icon: "trash", "aria-label": `Remove ${server.name}`, on: { click: askToRemove } }),
    ];
  }

  async function act(verb) {
    if (busy) return;
    replaceContent(outcome, waiting("Asking the gateway…"));
    setBusy(true);
    try {
      const { server: now, inspection } = await actOn(server.name, verb);
      server = now;
      replaceContent(outcome, inspectionOf(inspection));
      announce(`${server.name} ${DONE[verb]}.`);
      draw();
      await look();
      if (verb !== "test") actions.changed(server);
    } catch (error) {
      replaceContent(outcome, errorNotice(error, () => act(verb)));
    } finally {
      setBusy(false);
    }
  }

  function askToRemove() {
    if (busy) return;
    const keep = button("Keep it", { on: { click: () => replaceContent(outcome) } });
    replaceContent(
      outcome,
      h("div", { class: "notice notice-warning" }, icon("alert"), h("div", { class: "notice-body" }, h("p", { class: "notice-title" }, `Remove ${server.name}?`), h("p", {}, "What was approved of it is forgotten, too.")), button("Remove", { class: "button button-primary", on: { click: () => remove() } }), keep),
    );
    keep.focus();
  }

  async function remove(force = false) {
    setBusy(true);
    try {
      await removeServer(server.name, { force });
      announce(`${server.name} is removed.`);
      actions.changed(null);
    } catch (error) {
      const inUse = error.status === 409 && !force;
      replaceContent(outcome, errorNotice(error), inUse && button("Remove it all the same", { icon: "trash", on: { click: () => remove(true) } }));
      setBusy(false);
    }
  }

  function setBusy(now) {
    busy = now;
    for (const one of ways.children) one.setAttribute("aria-disabled", String(busy));
  }

  /** Ask how it is, and show that. A failure leaves what was known. */
  async function look() {
    if (server.source === "built_in") return;
    health = await getServerHealth(server.name).catch(() => health);
    draw();
  }

  draw();
  return {
    element,
    look,
    /** What the gateway says of it now, null for nothing new; an open outcome stays. */
    update(now, nowCounts) {
      [server, counts] = [now ?? server, nowCounts];
      draw();
    },
  };
}

/** The button that had the focus is made anew: the one in its place gets it. */
function keepingFocus(place, draw) {
  const index = [...place.querySelectorAll("button")].indexOf(document.activeElement);
  draw();
  if (index >= 0) place.querySelectorAll("button")[index]?.focus();
}

function conditionOf(server, health) {
  if (!server.enabled) return ["", "switched off"];
  if (server.source === "built_in") return ["is-well", "part of this gateway"];
  if (health === null) return ["", "looking…"];
  const [colour, words] = CONDITIONS[health.condition] ?? CONDITIONS.unknown;
  return [colour, health.code ? `${words}: ${health.code.toLowerCase().replaceAll("_", " ")}` : words];
}

function factsOf(server, health) {
  const words = [
    health?.revision && `${health.revision} (${health.era === "modern" ? "no handshake" : "handshake"})`,
    TRANSPORTS[server.transport] ?? server.transport,
    server.prefix && `prefix ${server.prefix}`,
    server.source === "file" && "from the servers file",
    server.command,
  ];
  return [words.filter(Boolean).join(" · "), server.url && [" · ", h("bdi", { class: "card-url" }, said(server.url))]];
}

function badges(counts, server, { toTools }) {
  if (!counts) return null;
  const way = (words, status, className) => h("button", { type: "button", class: `badge ${className}`, on: { click: () => toTools({ server: server.name, status }) } }, words);
  return [
    " ",
    way(counted(counts.tools, "tool"), "", ""),
    counts.waiting > 0 && [" ", way(`${counts.waiting} waiting`, "waiting", "is-waiting")],
    counts.blocked > 0 && [" ", way(`${counts.blocked} blocked`, "blocked", "is-blocked")],
  ];
}

const faultOf = (fault) => h("span", { class: "server-error" }, icon("alert"), said(typeof fault === "string" ? fault : JSON.stringify(fault)));
