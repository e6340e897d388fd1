// Who writes the SQL: offered only where a language model is configured beside the embedded engine.

import { h, replaceContent } from "./dom.js";

const KEPT = "drafter";
const ENGINE = "engine";

/** Wires the choice that stands in index.html. `choose(drafters)` shows it, once it is known who there is. */
export function wireDrafter({ place }) {
  const choice = place.querySelector("select");
  choice.addEventListener("change", () => keep(choice.value));

  return {
    choose(drafters) {
      const model = drafters.find((name) => name !== ENGINE);
      place.hidden = !model || drafters.length < 2;
      if (place.hidden) return;
      replaceContent(choice, [
        h("option", { value: "auto" }, "the engine; the model where it is unsure"),
        h("option", { value: "engine" }, "the engine alone"),
        h("option", { value: "model" }, `the model: ${model.slice(model.indexOf(":") + 1)}`),
      ]);
      choice.value = kept();
    },
    /** What `engine` of a question is to be. */
    get wanted() {
      return place.hidden ? "auto" : choice.value;
    },
  };
}

function kept() {
  try {
    const value = window.localStorage.getItem(KEPT);
    return ["auto", "engine", "model"].includes(value) ? value : "auto";
  } catch {
    return "auto";
  }
}

function keep(value) {
  try {
    window.localStorage.setItem(KEPT, value);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
