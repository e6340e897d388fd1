"""Words of nearly the same meaning, as stems."""


def synonyms_of(word: str) -> tuple[str, ...]:
    """The stems a word may stand for besides its own; empty when none is known."""
    return ()
