"""The file of access: who may log in by which provider, and the rules that are configuration rather than stored."""
