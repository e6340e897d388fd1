"""The rules, one file for what belongs together.

Each is a card and a function from a study to its breaches; `catalogue.py` lists them.
"""
