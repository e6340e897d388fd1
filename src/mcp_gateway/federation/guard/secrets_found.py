"""Secrets by their looks: keys of well-known makers, tokens, private keys, and whatever stands behind a name that says so.

Every rule names texts without one of which it cannot hold, so that most texts are through after a few searches. Expressions begin
with these and are bounded: no text makes them slow.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

Span = tuple[int, int]


class _Rule(NamedTuple):
    """`group`: what of the match is the secret. `fold`: the needed texts are in lower case, and so is the text searched in.

    `mixed`: only what has letters and digits; a word is no secret.
    """

    needs: tuple[str, ...]
    pattern: re.Pattern[str]
    group: int
    fold: bool
    mixed: bool

    def fits(self, secret: str) -> bool:
        return not self.mixed or (_DIGIT.search(secret) is not None and _LETTER.search(secret) is not None)


_DIGIT: Final = re.compile(r"\d")
_LETTER: Final = re.compile(r"[^\W\d_]")


def _rule(needs: str, pattern: str, group: int = 0, *, fold: bool = False, mixed: bool = False) -> _Rule:
    return _Rule(tuple(needs.split()), re.compile(pattern, re.IGNORECASE if fold else 0), group, fold, mixed)


_EDGE: Final = r"(?<![A-Za-z0-9])"
_NAME: Final = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret(?:[_-]?(?:key|access[_-]?key|token))?|client[_-]?secret|api[_-]?key|apikey"
    r"|(?:access|refresh|auth|id|session|bearer)[_-]?token|private[_-]?key|access[_-]?key|connection[_-]?string|credentials?)"
)
_RULES: Final = (
    _rule(
        "AKIA ASIA AIDA AROA AGPA ANPA ANVA ABIA ACCA",
        _EDGE + r"A(?:KIA|SIA|IDA|ROA|GPA|NPA|NVA|BIA|CCA)[A-Z0-9]{16}(?![A-Z0-9])",
    ),
    _rule("aws", r"aws.{0,20}secret.{0,20}?[=:\"'\s]{1,5}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])", 1, fold=True),
    _rule("ghp_ gho_ ghu_ ghs_ ghr_", _EDGE + r"gh[pousr]_[A-Za-z0-9_]{30,255}"),
    _rule("github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    _rule("glpat- gldt- glrt- glptt- glcbt-", r"gl(?:pat|dt|rt|ptt|cbt)-[\w.-]{20,255}"),
    _rule("xox", _EDGE + r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,255}"),
    _rule("xapp-", _EDGE + r"xapp-\d-[A-Za-z0-9-]{10,255}"),
    _rule("hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,200}"),
    _rule("sk-", _EDGE + r"sk-(?:proj-|svcacct-|admin-|ant-|or-|lf-)?[A-Za-z0-9_-]{20,255}"),
    _rule("sk_live_ sk_test_ rk_live_ rk_test_ whsec_", r"(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9+/=]{16,255}"),
    _rule("AIza", _EDGE + r"AIza[A-Za-z0-9_-]{35}"),
    _rule("ya29.", _EDGE + r"ya29\.[A-Za-z0-9_-]{20,2000}"),
    _rule("GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{20,60}"),
    _rule("SG.", _EDGE + r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),
    _rule("npm_", _EDGE + r"npm_[A-Za-z0-9]{36}"),
    _rule("pypi-", _EDGE + r"pypi-[A-Za-z0-9_-]{50,255}"),
    _rule("hf_", _EDGE + r"hf_[A-Za-z0-9]{30,60}"),
    _rule("dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
    _rule("shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _rule("dapi", _EDGE + r"dapi[a-f0-9]{32}(?:-\d)?"),
    _rule("hvs. hvb.", _EDGE + r"hv[sb]\.[A-Za-z0-9_-]{24,255}"),
    _rule("lin_api_ secret_ ntn_", _EDGE + r"(?:lin_api_|secret_|ntn_)[A-Za-z0-9]{32,64}"),
    _rule("AccountKey= SharedAccessKey=", r"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/=]{40,100})", 1),
    _rule("sig=", r"[?&]sig=([A-Za-z0-9%+/=_-]{30,120})", 1),
    _rule(":AA", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{32,35}"),
    _rule("eyJ", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,4000}(?:\.[A-Za-z0-9_-]{0,8000}){2,4}"),
    _rule("bearer", r"\bbearer\s{1,3}([A-Za-z0-9._~+/=-]{16,4000})", 1, fold=True),
    _rule(
        "authorization",
        r"authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?((?:basic|token|apikey|digest)\s{1,3}[^\s\"'<]{6,1000})",
        1,
        fold=True,
    ),
    _rule("://", r"://[^\s/:@\"'<>]{0,100}:([^\s/@\"'<>]{1,200})@", 1),
    _rule(
        "pass pwd secret key token credential connection",
        rf"{_NAME}[\"']?\s{{0,3}}(?:=>|[:=])\s{{0,3}}([\"'])((?:(?!\1)[^\r\n]){{4,400}})\1",
        2,
        fold=True,
    ),
    _rule(
        "pass pwd secret key token credential connection",
        rf"{_NAME}\s{{0,3}}[:=]\s{{0,3}}([^\s\"'<>,;|]{{8,400}})",
        1,
        fold=True,
        mixed=True,
    ),
)
_KEY_BEGINS: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")
_LONGEST_KEY: Final = 20_000
# A member of structured content whose whole value is a secret, whatever it looks like.
SECRET_MEMBER: Final = re.compile(rf"(?:[a-z0-9]{{1,20}}[_-])?{_NAME}|authorization|cookie|set-cookie", re.IGNORECASE)
# None of the rules can hold without one of these: as they are, or in lower case.
_EXACT: Final = tuple(sorted({need.encode() for rule in _RULES for need in rule.needs if not rule.fold}))
_FOLDED: Final = tuple(
    sorted({need.encode() for rule in _RULES for need in rule.needs if rule.fold} | {b"cookie", b"private key"})
)


def may_hold_secrets(message: bytes) -> bool:
    """False: certainly none, as long as no character is escaped."""
    if any(need in message for need in _EXACT):
        return True
    lower = message.lower()
    return any(need in lower for need in _FOLDED)


def secrets_in(text: str) -> Iterator[Span]:
    """Where they are; they may overlap."""
    lower = ""
    for rule in _RULES:
        if rule.fold:
            lower = lower or text.lower()
        searched = lower if rule.fold else text
        if any(need in searched for need in rule.needs):
            yield from (found.span(rule.group) for found in rule.pattern.finditer(text) if rule.fits(found.group(rule.group)))
    if "PRIVATE KEY" in text:
        yield from _private_keys(text)


def _private_keys(text: str) -> Iterator[Span]:
    """From the beginning of a block to its end; without one, as far as a key can go."""
    at = 0
    while (begin := _KEY_BEGINS.search(text, at)) is not None:
        end = text.find("-----END", begin.end(), begin.end() + _LONGEST_KEY)
        closed = _KEY_ENDS.match(text, end) if end >= 0 else None
        at = closed.end() if closed is not None else min(len(text), begin.end() + _LONGEST_KEY)
        yield begin.start(), at
