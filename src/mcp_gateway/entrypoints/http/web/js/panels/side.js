// The side panel with its tabs: beside the page where there is room, a drawer over it on small screens.

const WIDE = window.matchMedia("(min-width: 1000px)");
const KEY = "mcp-gateway.side";

/** Wires the panel that stands in index.html. `onShow(name)` is called when a tab comes to the front. */
export function wireSide({ panel, toggle, shade, main, onShow }) {
  const tabs = [...panel.querySelectorAll("[role=tab]")];
  let open = false;

  function select(name, focus = false) {
    for (const tab of tabs) {
      const chosen = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !chosen;
      if (chosen && focus) tab.focus();
    }
    onShow(name);
  }

  function setOpen(wanted, { focus = true } = {}) {
    open = wanted;
    const drawer = !WIDE.matches;
    document.body.classList.toggle("side-open", open);
    panel.inert = !open;
    main.inert = open && drawer;
    shade.hidden = !(open && drawer);
    toggle.setAttribute("aria-expanded", String(open));
    if (!drawer) remember(open);
    if (!focus || !drawer) return;
    (open ? tabs.find((tab) => tab.tabIndex === 0) : toggle).focus();
  }

  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener("click", () => select(tab.dataset.tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) select(tabs[(index + step + tabs.length) % tabs.length].dataset.tab, true);
    });
  }
  toggle.addEventListener("click", () => setOpen(!open));
  shade.addEventListener("click", () => setOpen(false));
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !WIDE.matches) {
      event.stopPropagation();
      setOpen(false);
    }
  });
  WIDE.addEventListener("change", () => setOpen(WIDE.matches && recall(), { focus: false }));
  select("data");
  setOpen(WIDE.matches && recall(), { focus: false });

  return {
    select,
    /** After something was chosen in a drawer, it has done its work. */
    yieldToPage() {
      if (open && !WIDE.matches) setOpen(false, { focus: false });
    },
  };
}

function remember(open) {
  try {
    window.localStorage.setItem(KEY, open ? "open" : "closed");
  } catch {
    /* not remembered */
  }
}

function recall() {
  try {
    return window.localStorage.getItem(KEY) !== "closed";
  } catch {
    return true;
  }
}
