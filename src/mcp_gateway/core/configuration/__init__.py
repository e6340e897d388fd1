"""YAML files that people write: `${VAR}` in their values, and every fault found with its line and its remedy."""
