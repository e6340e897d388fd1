"""Rate and concurrency limits per caller, tenant and for everybody; see docs/kit/rate-limits.md."""
