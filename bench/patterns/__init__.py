"""How well the validator judges:

routers that are good, made bad in many ways, and said in other words. `python -m bench.patterns`.
"""
