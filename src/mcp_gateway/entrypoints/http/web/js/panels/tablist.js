// Tabs inside a dialog: a row of them, one body each; arrow keys go from one to the next.

import { freshId, h } from "../dom.js";

/**
 * `tabs`: `{title, element, open(), close()}`, where `open` and `close` may be left out. `select(tab, {focus})` brings one to the front,
 * `reopen()` the last one; `close()` when nobody looks any more. At first none is in front.
 */
export function tablist(tabs, label) {
  const heads = new Map(tabs.map((tab) => [tab, headOf(tab)]));
  let current = null;

  function select(tab, { focus = false } = {}) {
    current?.close?.();
    current = tab;
    for (const [one, { head, body }] of heads) {
      head.setAttribute("aria-selected", String(one === tab));
      head.tabIndex = one === tab ? 0 : -1;
      body.hidden = one !== tab;
    }
    if (focus) heads.get(tab).head.focus();
    tab.open?.();
  }

  for (const [index, tab] of tabs.entries()) {
    const { head } = heads.get(tab);
    head.addEventListener("click", () => select(tab));
    head.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step) select(tabs[(index + step + tabs.length) % tabs.length], { focus: true });
    });
  }
  return {
    bar: h("div", { class: "tabs", role: "tablist", "aria-label": label }, [...heads.values()].map(({ head }) => head)),
    bodies: [...heads.values()].map(({ body }) => body),
    select,
    reopen: () => select(current ?? tabs[0]),
    close: () => current?.close?.(),
  };
}

function headOf({ title, element }) {
  const [tab, panel] = [freshId("tab"), freshId("tab-panel")];
  return {
    head: h("button", { type: "button", role: "tab", id: tab, "aria-controls": panel, "aria-selected": "false", tabindex: "-1" }, title),
    body: h("div", { role: "tabpanel", class: "registry-panel", id: panel, "aria-labelledby": tab, hidden: true }, element),
  };
}
