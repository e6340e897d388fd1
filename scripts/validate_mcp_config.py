"""Checks a configuration of MCP servers: `python scripts/validate_mcp_config.py CONFIG`. The same as `mcp-gateway validate`."""

import sys

from mcp_gateway.cli import main

if __name__ == "__main__":
    main(["validate", *sys.argv[1:]])
