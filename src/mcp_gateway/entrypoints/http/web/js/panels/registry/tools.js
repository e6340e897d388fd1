// The tab with everything the servers offer, and how it stands.

import { errorNotice } from "../../answer/notices.js";
import { h, replaceContent } from "../../dom.js";
import { counted } from "../../format.js";
import { choiceField, disclosure, empty, said, textField, waiting } from "./parts.js";
import { getRegistered, getToolCost, getTools } from "./requests.js";
import { drawTool } from "./tool.js";

const EVERY_MS = 10_000;
const MOST_PAGES = 5;
const SHOWN = 200;
const STATUSES = [["", "any"], ["offered", "offered"], ["waiting", "waiting"], ["blocked", "blocked"]];

/** `why(name)`: explains access, null where nobody can ask. */
export function toolsTab({ why }) {
  const search = textField("Find a tool", { type: "search" });
  const server = choiceField("Of", [["", "every server"]]);
  const status = choiceField("Which is", STATUSES);
  const lead = h("p", { class: "panel-lead" });
  const state = h("div", { class: "registry-state" });
  const list = h("ul", { class: "tools" });
  let entries = [];
  let total = 0;
  let unseen = [];
  let wanted = { server: "", status: "" };
  let timer = 0;
  let running = false;
  // Rows stay as they are, opened and filled in, while the list is read again.
  const rows = new Map();

  search.input.addEventListener("input", draw);
  for (const { input } of [server, status]) input.addEventListener("change", draw);

  async function load() {
    clearTimeout(timer);
    if (entries.length === 0) replaceContent(state, waiting("Asking the gateway…"));
    try {
      // The cost is found by reading every list, and what is read is then known below.
      const [{ registered }, cost] = await Promise.all([getRegistered(), getToolCost().catch(() => null)]);
      await loadTools();
      unseen = (registered ?? []).filter(({ enabled }) => !enabled).map(({ name }) => name);
      offerServers();
      lead.textContent = cost ? costWords(cost) : "";
      draw();
    } catch (error) {
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
    const found = entries.filter(
      (one) => (!wanted.server || one.server === wanted.server) && (!wanted.status || one.status === wanted.status) && `${one.server}.${one.name}`.toLowerCase().includes(text),
    );
    const shown = found.slice(0, SHOWN).map(rowOf);
    const same = shown.length === list.children.length && shown.every((one, index) => one === list.children[index]);
    if (!same) replaceContent(list, shown);
    replaceContent(state, notes(found.length, text));
  }

  function rowOf(entry) {
    const key = JSON.stringify([entry.server, entry.kind, entry.name]);
    if (!rows.has(key)) rows.set(key, line({ ...entry }, { why, onChange: load }));
    rows.get(key).update(entry);
    return rows.get(key).element;
  }

  function notes(found, text) {
    if (entries.length === 0) return empty("No server offers anything you may see yet.");
    if (found === 0) return [empty(`Nothing fits${text ? ` “${text}”` : ""}.`), whyNot()];
    return [
      found > SHOWN && empty(`${SHOWN} of ${counted(found, "entry", "entries")}; narrow the search to see the others.`),
      entries.length < total && empty(`Only the first ${counted(entries.length, "entry", "entries")} of ${total} are searched; choose a server.`),
    ];
  }

  /** Why something may be missing here, as far as this page can tell. */
  function whyNot() {
    return h(
      "ul",
      { class: "advice" },
      unseen.length > 0 && h("li", {}, `Switched off, so that nothing of it is offered: ${unseen.slice(0, 20).join(", ")}.`),
      h("li", {}, "A server that has not answered yet has told nothing of its tools: look at its state under Servers."),
      h("li", {}, "What you may not use looks as if it were not there. Who manages access can ask “Why?”."),
    );
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

function costWords({ tools, tokens, tokens_with_search: searched }) {
  const saved = searched && searched < tokens ? `; ${searched} if it searches instead` : "";
  return `Your list of ${counted(tools, "tool")} costs a model about ${counted(tokens, "token")} before it reads the first question${saved}.`;
}

function line(entry, { why, onChange }) {
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
  const { element } = disclosure({ head, class: "tool", draw: (place) => drawTool(place, entry, { why, changed }) });
  return { element, update };
}
