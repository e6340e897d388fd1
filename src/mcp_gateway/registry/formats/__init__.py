"""Configuration files of MCP clients, read into orders and written out. Pure: no file is opened and nothing is connected to."""
