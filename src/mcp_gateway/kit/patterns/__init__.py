"""Checks of routers against the patterns of a gateway: what they are held to, where they miss it, how to mend it.

Rules read syntax trees and follow names over imports; nothing of what is checked is run. LibCST is loaded for fixes alone.
"""
