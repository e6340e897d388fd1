"""Requests with an `Idempotency-Key` are carried out once; repetitions get the stored answer."""
