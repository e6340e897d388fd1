// The operations tools for people: what is wrong, why, and what may be done; routers made and checked.

import { replaceContent } from "../../dom.js";
import { may } from "../../session.js";
import { tablist } from "../tablist.js";
import { toolTab } from "./tool-tab.js";
import { TOOLS } from "./tools.js";

/** Wires the button and the dialog that stand in index.html; with the tools the caller may use, and not at all without one. */
export function wireOperations({ trigger, dialog }) {
  const mine = TOOLS.filter(({ action }) => may(action));
  if (mine.length === 0) return;
  trigger.hidden = false;
  const tabs = tablist(mine.map(toolTab), "What you want to know");
  replaceContent(dialog.querySelector("[data-operations]"), tabs.bar, tabs.bodies);
  trigger.addEventListener("click", () => {
    dialog.showModal();
    tabs.reopen();
  });
}
