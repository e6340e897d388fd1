"""Servers of the revisions before 2026-07-28, reached as if they spoke it.

A session per identity (`sessions.py`) over a channel (`http.py`, `sse.py`, `stdio.py`), what is said in it (`peer.py`), the two
languages (`translate.py`), and calls that wait for the client's answer (`parked.py`). `link.py` joins them.
"""
