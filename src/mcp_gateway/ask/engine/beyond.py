"""Questions no table can answer, whatever it holds: advice, forecasts, judgements, causes, orders to do something."""

import re

_COMMAND = (
    r"\W*(?:please )?(?:delete|update|insert|drop|alter|truncate|rename|create|send|email|buy|book|pay|cancel|ship|refund)\b"
    r"(?= (?:all|the|a|an|every|this|that|these|to|it|my|our|table|user|\w+ing)\b)"
)
_REASONS: tuple[tuple[str, str], ...] = (
    (r"\W*(?:should|shall) (?:we|i|they|you)\b", "It asks for advice; I can only say what the data holds."),
    (
        r".*\b(?:predict|forecast|extrapolate|estimate the future)\b",
        "It asks for a forecast; I can only say what the data holds.",
    ),
    (
        r".*\bwill (?!be shipped|be delivered)\w+ (?:next|in the future|tomorrow|soon)\b",
        "It asks what will be; I can only say what is.",
    ),
    (r".*\bwhat (?:will|would)\b|.*\bwhat if\b(?! it was)", "It asks what would be; I can only say what is."),
    (r"\W*(?:why|how come)\b", "It asks for a cause; I can only say what the data holds."),
    (
        r"\W*(?:is|are|was|were) .*\b(?:good|bad|enough|okay|ok|healthy|normal|fine|too (?:high|low|many|few|much))\W*$",
        "It asks for a judgement; I can give the figures it would rest on.",
    ),
    (_COMMAND, "It asks to do something; I can only read."),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), reason) for pattern, reason in _REASONS)


def reason_beyond(question: str) -> str | None:
    """Why the question cannot be answered from any table; None when nothing speaks against it."""
    return next((reason for pattern, reason in _PATTERNS if pattern.match(question[:1_000])), None)
