"""What servers offer, locked: known by its fingerprint, compared when it changes, and offered only as far as that is allowed."""
