"""Whether what is cached is found, fits, expires and is ended in time."""
