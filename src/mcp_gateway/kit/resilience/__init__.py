"""Staying up when others are slow, down or greedy: retries, deadlines, bulkheads, adaptive limits, idempotency, pools."""
