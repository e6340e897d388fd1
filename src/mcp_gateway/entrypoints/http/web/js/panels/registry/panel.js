// The MCP servers behind the gateway: which there are and how they are, what they offer, and who calls it just now.

import { replaceContent } from "../../dom.js";
import { may } from "../../session.js";
import { tablist } from "../tablist.js";
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
      tabs.select(tools, { focus: true });
    },
  });
  const tabs = tablist([servers, tools, callsTab()], "About MCP servers");
  replaceContent(dialog.querySelector("[data-registry]"), tabs.bar, tabs.bodies);
  trigger.addEventListener("click", () => {
    dialog.showModal();
    tabs.reopen();
  });
  dialog.addEventListener("close", tabs.close);
}
