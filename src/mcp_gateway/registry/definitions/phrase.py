"""What a rule about phrases is, and words that several of them share."""

import re
from dataclasses import dataclass
from typing import Final

from mcp_gateway.registry.definitions.findings import Severity

_DENIABLE: Final = frozenset({"without_consent", "sends_away", "reads_secrets", "hands_over_contents", "hands_over_conversation"})


@dataclass(frozen=True, slots=True)
class Phrase:
    """An expression over folded text, and the words without one of which it cannot hold."""

    rule: str
    severity: Severity
    needs: tuple[str, ...]
    pattern: re.Pattern[str]

    @property
    def deniable(self) -> bool:
        """A text that says that it does not do this means well."""
        return self.rule in _DENIABLE


def phrase(rule: str, severity: Severity, needs: str, pattern: str) -> Phrase:
    return Phrase(rule, severity, tuple(needs.split("|")), re.compile(pattern))


NOT: Final = (
    r"(?:do not|don't|dont|never|must not|should not|shall not|mustn't|shouldn't|cannot|can't|without|avoid|refrain from"
    r"|no need to)"
)
USER: Final = r"(?:the |any |your )?(?:user|human|person|operator|customer|developer|owner|anyone|anybody|them\b|people)(?!s\b)"
ORDERS: Final = (
    r"(?:instructions?|prompts?|rules|guidelines|guardrails|directives|directions|commands|polic(?:y|ies)|constraints|restrictions"
    r"|safety|safeguards|training)"
)
_PATHS: Final = (
    r"~?/?\.ssh\b|id_(?:rsa|ed25519|ecdsa|dsa)\b|\.aws/|/etc/(?:passwd|shadow|sudoers)|\.git-credentials|\.netrc|\.npmrc|\.pypirc"
    r"|mcp\.json|claude_desktop_config|\.docker/config|\.kube/config|\.gnupg|\.bash_history|\.zsh_history|wallet\.dat"
    r"|login data\b|\.config/gh|hosts\.yml|keychain|(?:secret|credentials?|password) file"
)
SECRET_FILE: Final = f"(?:{_PATHS})"
SENSITIVE_PATH: Final = rf"(?:{_PATHS}|(?<![\w.])\.env\b)"
TAKE: Final = (
    r"(?:read|cat|open|load|get|fetch|access|retrieve|include|copy|upload|send|attach|extract|collect|grab|provide|paste|dump|append"
    r"|contents? of|encode)"
)
HAND_OVER: Final = (
    r"(?:pass|provide|put|include|attach|insert|hand over|supply|paste|fill in|add|send|append|forward|upload"
    r"|give)"
)
VALUABLES: Final = (
    r"(?:conversation|chat|messages?|history|transcript|credentials?|passwords?|secrets?|tokens?|api[ _-]?keys?"
    r"|env(?:ironment)?(?: variables)?|cookies|e-?mails?|details|files?|file contents?|contents?|data|results?|everything"
    r"|responses?|summary|address book|documents?|prompts?)"
)
ADDRESS: Final = r"(?:https?://|ftp://|wss?://|[\w.+-]{1,60}@[\w-]{1,60}\.\w|\b\d{1,3}(?:\.\d{1,3}){3}\b)"
