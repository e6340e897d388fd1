"""What each endpoint offers each caller, under which names, and where a request of it goes.

Lists of upstream servers are kept only as long as these vouch for them; what a caller is shown is made of them anew whenever one
of them, the registry, the policy or an approval changes.
"""
