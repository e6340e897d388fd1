"""Tokens: which are believed, whom they name, how long, and how they are taken back."""
