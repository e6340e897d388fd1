// Keys that work anywhere on the page.

/** `/` asks, Escape stops, Alt+N starts over, `?` lists the keys. */
export function wireShortcuts({ focusAsk, stop, startOver, help, helpTrigger }) {
  helpTrigger.addEventListener("click", () => help.showModal());
  for (const dialog of document.querySelectorAll("dialog")) {
    const close = dialog.querySelector("[data-close]");
    if (!close) continue;
    close.addEventListener("click", () => dialog.close());
    // A click beside the dialog lands on the dialog element itself.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const writing = event.target.matches?.("input, textarea, select");
    if (event.key === "Escape") {
      if (!stop() && writing) event.target.blur();
    } else if (event.altKey && event.code === "KeyN") {
      event.preventDefault();
      startOver();
    } else if (!writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (event.key === "/") {
        event.preventDefault();
        focusAsk();
      } else if (event.key === "?") {
        event.preventDefault();
        help.showModal();
      }
    }
  });
}
