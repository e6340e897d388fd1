"""The filters of the pipeline, one concern in each file. `wiring/federation.py` puts them into their order."""
