"""What is wrong with a configuration file as a whole. What is wrong with one entry is a note."""

from mcp_gateway.core.errors import InvalidInput


class ClientFileInvalid(InvalidInput):
    """The file is no configuration of an MCP client that can be read."""

    code = "CLIENT_FILE_INVALID"
    hint = "Known are the files of Claude, Cursor, Windsurf, VS Code, Zed, Codex and Goose, and the gateway's servers file."
