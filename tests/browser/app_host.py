"""Shows an MCP App in a frame as strict as the extension's default, as a host that speaks its protocol."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, FrameLocator, Page

from mcp_gateway.entrypoints.mcp.views import read_view

# What a host must enforce when a view declares no domains (MCP Apps 2026-01-26).
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'none'"
)
HOST = """
<!doctype html><iframe id="view" sandbox="allow-scripts" style="width:640px;height:600px"></iframe>
<script>
  window.said = [];
  const frame = document.getElementById("view");
  const tell = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
  window.addEventListener("message", ({ data, source }) => {
    if (source !== frame.contentWindow) return;
    window.said.push(data);
    if (data.method === "ui/initialize") tell({ id: data.id, result: {
      protocolVersion: "2026-01-26", hostInfo: { name: "test", version: "1" }, hostCapabilities: window.able,
      hostContext: { theme: "dark", styles: { variables: { "--color-text-primary": "rgb(1, 2, 3)" } } } } });
    if (data.method === "ui/notifications/initialized") {
      tell({ method: "ui/notifications/tool-input", params: { arguments: {} } });
      tell({ method: "ui/notifications/tool-result", params: window.result });
    }
    if (data.method === "tools/call") tell({ id: data.id, result: window.second });
  });
  window.open_view = (html) => { frame.srcdoc = html; };
</script>
"""


@contextmanager
def host_page(browser: Browser) -> Iterator[Page]:
    """A page to show views in; leaving fails when a script or the policy complained."""
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    yield page
    page.close()
    assert faults == []


def show_view(
    page: Page, view: str, result: Mapping[str, Any], *, able: Mapping[str, Any] | None = None, second: Any = None
) -> FrameLocator:
    """`able`: what the host can do; `second`: what a tool gives that the view calls."""
    strict = read_view(view).replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}">')
    page.set_content(HOST)
    page.evaluate("([result, able, second]) => Object.assign(window, { result, able, second })", [result, able or {}, second])
    page.evaluate("(html) => window.open_view(html)", strict)
    return page.frame_locator("#view")
