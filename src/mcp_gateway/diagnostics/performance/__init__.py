"""How fast, how much, how often refused and how often failed: a window compared with the one before it."""
