// The MCP servers behind the gateway: which there are and how they are, what they offer, and who calls it just now.

import { freshId, h, replaceContent } from "../../dom.js";
import { may } from "../../session.js";
import { callsTab } from "./calls.js";
import { serversTab } from "./servers.js";
import { toolsTab } from "./tools.js";

/** Wires the button and the dialog that stand in index.html. */
export function wireRegistry({ trigger, dialog }) {
  if (!may("see_servers")) return;
  trigger.hidden = false;
  const tools = toolsTab();
  const servers = serversTab({
    toTools(wanted) {
      tools.narrow(wanted);
      select(tools, { focus: true });
    },
  });
  const tabs = [servers, tools, callsTab()];
  const heads = new Map(tabs.map((tab) => [tab, headOf(tab)]));
  let current = servers;

  function select(tab, { focus = false } = {}) {
    current.close();
    current = tab;
    for (const [one, { head, body }] of heads) {
      head.setAttribute("aria-selected", String(one === tab));
      head.tabIndex = one === tab ? 0 : -1;
      body.hidden = one !== tab;
    }
    if (focus) heads.get(tab).head.focus();
    tab.open();
  }

  const bar = h("div", { class: "tabs", role: "tablist", "aria-label": "About MCP servers" }, [...heads.values()].map(({ head }) => head));
  replaceContent(dialog.querySelector("[data-registry]"), bar, [...heads.values()].map(({ body }) => body));
  for (const [index, tab] of tabs.entries()) {
    const { head } = heads.get(tab);
    head.addEventListener("click", () => select(tab));
    head.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step) select(tabs[(index + step + tabs.length) % tabs.length], { focus: true });
    });
  }
  trigger.addEventListener("click", () => {
    dialog.showModal();
    select(current);
  });
  dialog.addEventListener("close", () => current.close());
}

function headOf({ title, element }) {
  const [tab, panel] = [freshId("registry-tab"), freshId("registry-panel")];
  return {
    head: h("button", { type: "button", role: "tab", id: tab, "aria-controls": panel, "aria-selected": "false", tabindex: "-1" }, title),
    body: h("div", { role: "tabpanel", class: "registry-panel", id: panel, "aria-labelledby": tab, hidden: true }, element),
  };
}
