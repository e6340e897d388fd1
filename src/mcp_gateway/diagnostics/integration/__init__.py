"""Whether gateway and engine work together, tried with real requests that leave nothing behind."""
