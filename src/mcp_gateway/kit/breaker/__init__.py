"""Circuit breakers: calls to a part that keeps failing are refused at once, and a few probes find out when it is back."""
