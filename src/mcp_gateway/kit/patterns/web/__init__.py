"""Routes, routers and dependencies of a web application, read from its code."""
