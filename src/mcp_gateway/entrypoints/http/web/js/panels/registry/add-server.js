// The form that registers a server, and what was found when it was connected to.

import { errorNotice } from "../../answer/notices.js";
import { announce, button, h, replaceContent } from "../../dom.js";
import { said } from "../../said.js";
import { inspectionOf } from "./inspection.js";
import { choiceField, textField, waiting } from "./parts.js";
import { addServer } from "./requests.js";

const DRIFT = [["approve", "waits for approval"], ["pass", "is let through"], ["block", "is blocked"]];
const TRANSPORT = [["http", "Streamable HTTP"], ["sse", "HTTP + SSE (2024-11-05)"]];

/** `onAdded()` is called when a server was registered; `onClose()` when the form is to go. */
export function addServerForm({ onAdded, onClose }) {
  const fields = {
    name: textField("Name", { required: true, maxlength: 40, placeholder: "github", pattern: "[a-z0-9][a-z0-9\\-]*", title: "lower-case letters, digits and dashes" }),
    url: textField("Address of its MCP endpoint", { required: true, type: "url", placeholder: "https://mcp.example.com/mcp" }),
    transport: choiceField("Reached by", TRANSPORT),
    prefix: textField("Prefix of its names", { maxlength: 40, placeholder: "none" }),
    secret: textField("Token it wants", { type: "password", autocomplete: "new-password", placeholder: "none" }),
    drift: choiceField("A tool that changes", DRIFT),
  };
  const outcome = h("div", { class: "add-outcome", "aria-live": "polite" });
  const submit = h("button", { type: "submit", class: "button button-primary" }, "Add and look at it");
  const form = h(
    "form",
    { class: "add-server", "aria-label": "Add a server" },
    h("div", { class: "panel-form" }, Object.values(fields).map(({ element }) => element)),
    h("p", { class: "add-ways" }, submit, button("Close", { class: "button button-quiet", on: { click: onClose } })),
    outcome,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    add();
  });

  async function add() {
    const value = (name) => fields[name].input.value.trim();
    const body = { name: value("name"), url: value("url"), transport: value("transport"), prefix: value("prefix"), drift: value("drift") };
    if (value("secret")) body.credential = { kind: "bearer", secret: value("secret") };
    submit.disabled = true;
    replaceContent(outcome, waiting("Connecting to it…"));
    try {
      const { server, inspection } = await addServer(body);
      for (const { input } of [fields.name, fields.url, fields.prefix, fields.secret]) input.value = "";
      replaceContent(outcome, h("p", { class: "inspection-verdict" }, h("b", {}, said(server.name)), " is registered."), inspectionOf(inspection));
      announce(`${server.name} is registered.`);
      onAdded(server);
    } catch (error) {
      replaceContent(outcome, errorNotice(error));
    } finally {
      submit.disabled = false;
    }
  }

  return { element: form, focus: () => fields.name.input.focus() };
}
