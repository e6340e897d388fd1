"""What rules ask about a handler: what limits it, where its values come from, what it reaches. Knows no rule."""
