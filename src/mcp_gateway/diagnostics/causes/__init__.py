"""Causes: each says which signals must be there, which must not, and why that follows from how the fault works."""
