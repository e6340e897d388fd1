// Are the gateway and the servers behind it well? A dot in the header, and a dialog with each server's state.

import { getHealth, getServers } from "../api.js";
import { h, icon, replaceContent } from "../dom.js";
import { errorNotice } from "../answer/notices.js";

const EVERY_MS = 15_000;
const WORDS = {
  healthy: "All well",
  degraded: "Degraded",
  unhealthy: "Not ready",
  starting: "Starting",
  offline: "No connection",
  unknown: "Checking",
};

/** Wires the button and the dialog that stand in index.html. `onReturn()` is called when a lost gateway answers again. */
export function wireServers({ trigger, dialog, banner, onReturn }) {
  const list = dialog.querySelector("[data-servers]");
  let state = "unknown";
  let timer = 0;

  function show(next) {
    const returned = state === "offline" && next !== "offline";
    state = next;
    trigger.dataset.state = Object.hasOwn(WORDS, next) ? next : "unknown";
    trigger.querySelector("[data-word]").textContent = WORDS[next] ?? next;
    trigger.setAttribute("aria-label", `State of the servers: ${WORDS[next] ?? next}`);
    banner.hidden = next !== "offline";
    if (returned) onReturn();
  }

  async function check() {
    clearTimeout(timer);
    try {
      show((await getHealth()).status ?? "unknown");
    } catch (error) {
      // An answer, though a refusal, is a sign of life.
      show(error.status ? "unknown" : "offline");
    }
    clearTimeout(timer);
    // A lost gateway is looked for more often than a well one.
    if (!document.hidden) timer = setTimeout(check, state === "offline" ? 3000 : EVERY_MS);
  }

  async function open() {
    dialog.showModal();
    replaceContent(list, h("p", { class: "side-empty" }, "Asking the gateway…"));
    try {
      const { servers } = await getServers();
      replaceContent(
        list,
        servers.length === 0 ? h("p", {}, "No server is configured.") : h("ul", { class: "servers" }, servers.map(serverEntry)),
      );
    } catch (error) {
      replaceContent(list, errorNotice(error, open));
    }
  }

  trigger.addEventListener("click", open);
  document.addEventListener("visibilitychange", () => !document.hidden && check());
  window.addEventListener("online", check);
  check();
  return { check };
}

function serverEntry(server) {
  const facts = Object.entries(server.facts ?? {}).filter(([, value]) => value !== null && typeof value !== "object");
  return h(
    "li",
    { class: "server" },
    h(
      "p",
      { class: "server-head" },
      h("span", { class: `dot ${server.connected ? "is-well" : "is-ill"}` }),
      h("b", {}, server.title || server.name),
      h("span", { class: "server-state" }, server.connected ? "connected" : "not connected"),
    ),
    server.error && h("p", { class: "server-error" }, icon("alert"), server.error),
    h(
      "dl",
      { class: "facts" },
      fact("name", server.name),
      fact("transport", server.transport),
      fact("priority", server.priority),
      server.domains.length > 0 && fact("domains", server.domains.join(", ")),
      server.capabilities.length > 0 && fact("offers", server.capabilities.join(", ")),
      facts.map(([name, value]) => fact(name.replaceAll("_", " "), value)),
    ),
  );
}

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)));
