// The tab with everything the servers offer, and how it stands.

import { errorNotice } from "../../answer/notices.js";
import { h, replaceContent } from "../../dom.js";
import { counted } from "../../format.js";
import { said } from "../../said.js";
import { choiceField, disclosure, empty, textField, waiting } from "./parts.js";
import { getRegistered, getToolCost, getTools } from "./requests.js";
import { drawTool } from "./tool.js";
import { whyOf } from "./why-seen.js";

const EVERY_MS = 10_000;
const MOST_PAGES = 5;
const SHOWN = 200;
const STATUSES = [["", "any"], ["offered", "offered"], ["waiting", "waiting"], ["blocked", "blocked"]];

export function toolsTab() {
  const search = textField("Find a tool", { type: "search" });
  const server = choiceField("Of", [["", "every server"]]);
  const status = choiceField("Which is", STATUSES);
  const lead = h("p", { class: "panel-lead" });
  const state = h("div", { class: "registry-state" });
  const list = h("ul", { class: "tools" });
  let entries = [];
  let total = 0;
  let wanted = { server: "", status: "" };
  let builtIn = new Set();
  let timer = 0;
  let lastTold = "";
  let running = false;
  // Rows stay as they are, opened and filled in, while the list is read again.
  const rows = new Map();

  search.input.addEventListener("input", draw);
  for (const { input } of [server, status]) input.addEventListener("change", draw);

  async function load() {
    clearTimeout(timer);
    if (!lastTold) replaceContent(state, waiting("Asking the gateway…"));
    try {
      // The cost is found by reading every list, and what is read is then known below.
      const [{ registered }, cost] = await Promise.all([getRegistered(), getToolCost().catch(() => null)]);
      builtIn = new Set((registered ?? []).filter(({ source }) => source === "built_in").map(({ name }) => name));
      await loadTools();
      offerServers();
      lead.textContent = cost ? costWords(cost) : "";
      draw();
    } catch (error) {
      lastTold = "";
      replaceContent(state, errorNotice(error, load));
    }
    clearTimeout(timer);
    if (running) timer = setTimeout(() => (document.hidden ? again() : load()), EVERY_MS);
  }

  const again = () => (timer = setTimeout(load, EVERY_MS));

  async function loadTools() {
    const found = [];
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const { tools, total: all } = await getTools({ offset: found.length });
      found.push(...tools);
      total = all;
      if (tools.length === 0 || found.length >= all) break;
    }
    entries = found;
  }

  function offerServers() {
    const names = [...new Set(entries.map((one) => one.server))];
    const offered = [...server.input.options].slice(1).map(({ value }) => value);
    if (names.join() !== offered.join()) replaceContent(server.input, h("option", { value: "" }, "every server"), names.map((name) => h("option", { value: name }, name)));
    server.input.value = names.includes(wanted.server) ? wanted.server : "";
    status.input.value = wanted.status;
  }

  function draw() {
    wanted = { server: server.input.value, status: status.input.value };
    const text = search.input.value.trim().toLowerCase();
    const found = entries.filter((one) => fits(one, text));
    const shown = found.slice(0, SHOWN).map(rowOf);
    const same = shown.length === list.children.length && shown.every((one, index) => one === list.children[index]);
    if (!same) replaceContent(list, shown);
    const told = JSON.stringify([entries.length, total, found.length, text]);
    if (told === lastTold && state.firstChild) return;
    lastTold = told;
    replaceContent(state, notes(found.length, text));
  }

  /** What somebody looks at stays, also when it stands otherwise after their decision. */
  function fits(one, text) {
    if (!`${one.server}.${one.name}`.toLowerCase().includes(text) || (wanted.server && one.server !== wanted.server)) return false;
    return !wanted.status || one.status === wanted.status || Boolean(rows.get(keyOf(one))?.isOpen());
  }

  function rowOf(entry) {
    const key = keyOf(entry);
    if (!rows.has(key)) rows.set(key, line({ ...entry }, load));
    rows.get(key).update({ ...entry, builtIn: builtIn.has(entry.server) });
    return rows.get(key).element;
  }

  function notes(found, text) {
    if (entries.length === 0) return empty("No server offers anything you may see yet.");
    if (found === 0) return [empty(`Nothing fits${text ? ` “${text}”` : ""}.`), text && whyOf(search.input.value.trim(), "Why can I not see it?")];
    return [
      found > SHOWN && empty(`${SHOWN} of ${counted(found, "entry", "entries")}; narrow the search to see the others.`),
      entries.length < total && empty(`Only the first ${counted(entries.length, "entry", "entries")} of ${total} are shown here; “mcp-gateway tools list” knows them all.`),
    ];
  }

  return {
    name: "tools",
    title: "Tools",
    element: h("div", {}, h("div", { class: "registry-bar" }, search.element, server.element, status.element), lead, state, list),
    open() {
      running = true;
      load();
    },
    close() {
      running = false;
      clearTimeout(timer);
    },
    /** Show only what a server offers, or only what stands so. */
    narrow(to) {
      wanted = to;
      search.input.value = "";
    },
  };
}

const keyOf = ({ server, kind, name }) => JSON.stringify([server, kind, name]);

function costWords({ tools, tokens, tokens_with_search: searched }) {
  const saved = searched && searched < tokens ? `; ${searched} if it searches instead` : "";
  return `Your list of ${counted(tools, "tool")} costs a model about ${counted(tokens, "token")} before it reads the first question${saved}.`;
}

function line(entry, onChange) {
  const standing = h("span", {});
  const cost = h("span", { class: "tool-cost" });
  const head = [
    h("code", { class: "tool-name" }, said(entry.name)),
    h("span", { class: "tool-server" }, said(entry.server)),
    entry.kind !== "tools" && h("span", { class: "tag" }, entry.kind),
    standing,
    cost,
  ];
  const update = (now) => {
    Object.assign(entry, now);
    standing.className = entry.status === "offered" ? "tool-offered" : `badge is-${entry.status}`;
    standing.textContent = entry.status;
    cost.textContent = entry.tokens ? counted(entry.tokens, "token") : "";
  };
  const changed = (now) => {
    update(now);
    onChange();
  };
  const { element, isOpen } = disclosure({ head, class: "tool", draw: (place) => drawTool(place, entry, changed) });
  return { element, isOpen, update };
}
