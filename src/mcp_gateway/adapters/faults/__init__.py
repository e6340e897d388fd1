"""Faults on purpose, for benchmarks and exercises on systems of one's own. Every one is a context that undoes itself."""
