"""Letting programs act for people: a small OAuth 2.1 authorization server without its HTTP."""
