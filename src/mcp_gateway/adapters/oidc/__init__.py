"""OpenID Connect as it is spoken on the wire: a provider's metadata, its keys, its logins, and what Microsoft's Graph adds.

Every request goes through `http.py`, which bounds it and lets it reach only where `egress.py` says. What a token may contain is
no matter of this package: `access/tokens/` judges that.
"""
