"""Why somebody sees a tool, or does not: the policy's decision, carried on through server, definition and name."""
