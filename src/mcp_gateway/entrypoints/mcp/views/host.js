// What every view says to the host that shows it (io.modelcontextprotocol/ui, 2026-01-26). Put into the views' pages by `views.py`.

/**
 * Begins to speak. `onResult(result)` is called with a tool's result, `onWords(text, kind)` when there is something else to say.
 * Returns `{request(method, params), able}`; `able` is what the host can do, empty until it has said so.
 */
function connectHost({ name, onResult, onWords }) {
  const connection = { request, able: {} };
  const waiting = new Map();
  let nextId = 1;

  /* The host is the parent frame, and nobody else is listened to. */
  const post = (message) => window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  const notify = (method, params) => post({ method, params });

  function request(method, params) {
    return new Promise((resolve, reject) => {
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      post({ id, method, params });
    });
  }

  window.addEventListener("message", (event) => {
    const message = event.data;
    if (event.source !== window.parent || !message || message.jsonrpc !== "2.0") return;
    if (message.method === undefined) {
      const asked = waiting.get(message.id);
      waiting.delete(message.id);
      if (asked) message.error ? asked.reject(new Error(message.error.message)) : asked.resolve(message.result);
    } else if (message.id !== undefined) {
      const known = message.method === "ping" || message.method === "ui/resource-teardown";
      post(known ? { id: message.id, result: {} } : { id: message.id, error: { code: -32601, message: "Method not found" } });
    } else if (message.method === "ui/notifications/tool-result") {
      onResult(message.params);
    } else if (message.method === "ui/notifications/tool-cancelled") {
      onWords("It was cancelled.", "soft");
    } else if (message.method === "ui/notifications/host-context-changed") {
      dress(message.params);
    }
  });

  let told = "";
  new ResizeObserver(() => {
    const size = { width: Math.ceil(document.documentElement.scrollWidth), height: Math.ceil(document.body.getBoundingClientRect().height) };
    if (JSON.stringify(size) !== told) notify("ui/notifications/size-changed", size);
    told = JSON.stringify(size);
  }).observe(document.body);

  request("ui/initialize", {
    protocolVersion: "2026-01-26",
    appInfo: { name, version: "1.0.0" },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
  }).then((result) => {
    connection.able = result?.hostCapabilities ?? {};
    dress(result?.hostContext);
    notify("ui/notifications/initialized", {});
  }, () => onWords("The host did not accept this view.", "bad"));
  return connection;
}

/** The host's theme and colours. */
function dress(context) {
  if (!context) return;
  if (context.theme === "light" || context.theme === "dark") document.documentElement.style.colorScheme = context.theme;
  for (const [name, value] of Object.entries(context.styles?.variables ?? {})) {
    if (name.startsWith("--") && typeof value === "string") document.documentElement.style.setProperty(name, value);
  }
}

/** Why there is nothing to show; null when the result can be shown. */
function failureOf(result) {
  if (result?.structuredContent && !result.isError) return null;
  const error = result?.structuredContent?.error;
  const said = error ? `${error.message} ${error.hint ?? ""}` : (result?.content ?? []).map((part) => part.text ?? "").join("\n");
  return said || "There is no answer.";
}
