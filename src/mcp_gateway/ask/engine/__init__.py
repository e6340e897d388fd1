"""Questions to SQL without any language model. The one door is `EmbeddedEngine`."""

from mcp_gateway.ask.engine.engine import EmbeddedEngine

__all__ = ["EmbeddedEngine"]
