"""A cache of two levels, near (this process) and shared (the store), that serves nothing an acknowledged invalidation ended."""
