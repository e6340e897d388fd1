"""How registered servers are: asked now and then, kept for a while, shown on pages."""
