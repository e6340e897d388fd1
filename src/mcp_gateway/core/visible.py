"""Foreign text where people read it. No escaping for HTML, a shell or JSON: these have their own."""


def visible(text: str, keep: str = "") -> str:
    """What would move the cursor, colour, hide or reverse something is written by its number, except the characters of `keep`."""
    return "".join(letter if letter.isprintable() or letter in keep else _numbered(letter) for letter in text)


def _numbered(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
