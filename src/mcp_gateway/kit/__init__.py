"""Gateway primitives, usable alone: limits, cache, breakers and resilience, on memory and on Redis or Valkey.

Importing this package loads no Redis client, no web framework and no metrics library; those are `kit.redis`,
`kit.fastapi` and `kit.prometheus`, imported by whoever wants them.
"""
