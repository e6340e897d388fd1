"""/docs: the API's reference as one plain page, made from the OpenAPI description; no script, nothing loaded from elsewhere."""

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from typing import Any

from mcp_gateway.entrypoints.http.models import JsonObject

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; } h3 { margin: 1.5rem 0 .3rem; } code { font: .9em ui-monospace, monospace; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; margin: .75rem 0; overflow-x: auto; }
.method { background: var(--soft); border-radius: .25rem; padding: .1rem .4rem; margin-right: .5rem; font-weight: 600; }
table { border-collapse: collapse; width: 100%; }
td { text-align: left; padding: .25rem .75rem .25rem 0; vertical-align: top; }
tr + tr td { border-top: 1px solid var(--line); }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def render_reference(description: JsonObject) -> str:
    """The page for an OpenAPI description."""
    info = description["info"]
    body = "".join(
        [
            f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
            f"<p>{escape(info.get('description', ''))}</p>",
            '<p>Machine-readable: <a href="/openapi.json">/openapi.json</a>. The page to ask questions: <a href="/">/</a>.</p>',
            "<h2>Addresses</h2>",
            *_operations(description),
            "<h2>Shapes</h2>",
            *_shapes(description),
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}: API</title><style>{STYLE}</style></head><body>{body}</body></html>"
    )


def _operations(description: JsonObject) -> Iterator[str]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            taken = _body_shape(operation.get("requestBody"))
            given = _body_shape(operation.get("responses", {}).get("200"))
            shapes = "".join(f"<div>{label}: {_link(name)}</div>" for label, name in (("takes", taken), ("gives", given)) if name)
            yield (
                f'<article><span class="method">{method.upper()}</span><code>{escape(path)}</code>'
                f"<div>{escape(operation.get('summary', ''))}</div>{shapes}</article>"
            )


def _shapes(description: JsonObject) -> Iterator[str]:
    for name, shape in description.get("components", {}).get("schemas", {}).items():
        rows = "".join(
            f"<tr><td><code>{escape(field)}</code></td><td>{_type_of(facts)}</td>"
            f"<td>{escape(facts.get('description', ''))}</td></tr>"
            for field, facts in shape.get("properties", {}).items()
        )
        yield (
            f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{escape(shape.get("description", ""))}</p>'
            f"<article><table><tbody>{rows}</tbody></table></article>"
        )


def _body_shape(part: Any) -> str:
    content = (part or {}).get("content", {}).get("application/json", {})
    return str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]


def _type_of(facts: JsonObject) -> str:
    if "$ref" in facts:
        return _link(str(facts["$ref"]).rpartition("/")[2])
    if "enum" in facts:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in facts["enum"])
    if "anyOf" in facts:
        return " or ".join(_type_of(choice) for choice in facts["anyOf"])
    if facts.get("type") == "array":
        return f"list of {_type_of(facts.get('items', {}))}"
    return escape(str(facts.get("type", "anything")))


def _link(name: str) -> str:
    return f'<a href="#{escape(name)}">{escape(name)}</a>'
