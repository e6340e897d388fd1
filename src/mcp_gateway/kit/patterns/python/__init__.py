"""Python code as the rules see it:

modules, names over imports, paths through a function, where values come from. Knows no rule.
"""
