"""Remedies as values: what to do, to what, at which risk, how to know that it helped, how to undo it."""
