// The tab with the registered servers.

import { errorNotice } from "../../answer/notices.js";
import { button, h, replaceContent } from "../../dom.js";
import { counted } from "../../format.js";
import { may } from "../../session.js";
import { addServerForm } from "./add-server.js";
import { empty, textField, waiting } from "./parts.js";
import { getRegistered, getToolCost, getTools } from "./requests.js";
import { serverCard } from "./server-card.js";

const EVERY_MS = 15_000;
// Each that is shown is asked about; the rest is found by its name.
const SHOWN = 25;

/** `toTools({server, status})` shows what a server offers. */
export function serversTab({ toTools }) {
  const list = h("ul", { class: "cards" });
  const state = h("div", { class: "registry-state" });
  const formPlace = h("div");
  const search = textField("Find a server", { type: "search" });
  const open = button("Add a server", { icon: "plus", class: "button button-primary", on: { click: showForm } });
  const element = h("div", {}, h("div", { class: "registry-bar" }, search.element, may("manage_servers") && open), formPlace, state, list);
  let servers = [];
  let counts = null;
  let cards = [];
  const kept = new Map();
  let timer = 0;
  let running = false;

  search.input.addEventListener("input", draw);

  function showForm() {
    if (!formPlace.firstChild) {
      const form = addServerForm({ onAdded: load, onClose: hideForm });
      replaceContent(formPlace, form.element);
      form.focus();
    }
    open.hidden = true;
  }

  function hideForm() {
    formPlace.replaceChildren();
    open.hidden = false;
    open.focus();
  }

  async function load() {
    if (servers.length === 0) replaceContent(state, waiting("Asking the gateway…"));
    try {
      const { registered } = await getRegistered();
      servers = registered ?? [];
      for (const name of kept.keys()) if (!servers.some((one) => one.name === name)) kept.delete(name);
      draw();
      await count();
    } catch (error) {
      replaceContent(state, errorNotice(error, load));
    }
  }

  /** What is offered is known once every list was read, which asking for the cost does. */
  async function count() {
    await getToolCost().catch(() => null);
    const { tools, total } = await getTools().catch(() => ({ tools: [], total: 1 }));
    counts = total <= tools.length ? countsOf(tools) : counts;
    for (const [name, card] of kept) card.update(null, countOf(name));
  }

  const countOf = (name) => counts && (counts.get(name) ?? NONE);

  function draw() {
    const wanted = search.input.value.trim().toLowerCase();
    const found = servers.filter((one) => `${one.name} ${one.title} ${one.url ?? ""}`.toLowerCase().includes(wanted));
    const shown = found.slice(0, SHOWN);
    cards = shown.map(cardOf);
    const same = cards.length === list.children.length && cards.every(({ element: card }, index) => card === list.children[index]);
    if (!same) replaceContent(list, cards.map(({ element: card }) => card));
    if (servers.length === 0) replaceContent(state, empty("No server is registered that you may see."));
    else if (found.length === 0) replaceContent(state, empty("No server fits."));
    else replaceContent(state, found.length > SHOWN && empty(`${SHOWN} of ${counted(found.length, "server")}; look for the others by name.`));
    look();
  }

  function cardOf(server) {
    const mine = countOf(server.name);
    const known = kept.get(server.name);
    if (known) known.update(server, mine);
    else kept.set(server.name, serverCard(server, mine, { toTools, changed: load }));
    return kept.get(server.name);
  }

  async function look() {
    clearTimeout(timer);
    await Promise.all(cards.map((card) => card.look()));
    if (cards.length > 0) await count();
    clearTimeout(timer);
    if (running) timer = setTimeout(() => (document.hidden ? again() : look()), EVERY_MS);
  }

  const again = () => (timer = setTimeout(look, EVERY_MS));

  return {
    name: "servers",
    title: "Servers",
    element,
    open() {
      running = true;
      load();
    },
    close() {
      running = false;
      clearTimeout(timer);
    },
  };
}

const NONE = { tools: 0, waiting: 0, blocked: 0 };

function countsOf(tools) {
  const counts = new Map();
  for (const { server, kind, status } of tools) {
    const one = counts.get(server) ?? { ...NONE };
    if (kind === "tools") one.tools += 1;
    if (status !== "offered") one[status] += 1;
    counts.set(server, one);
  }
  return counts;
}
