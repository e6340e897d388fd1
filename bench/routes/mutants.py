"""Ways to spoil a generated router that its own tests must notice: one small change of the text each.

A mutation is a name, what it replaces (a regular expression over the router's text), and by what. Where the text does not occur
it does not apply; where it occurs several times, each place is a mutant of its own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutation:
    name: str
    pattern: str
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """`line`: where the change begins. `asked_first`: the tests that should notice, as `pytest -k` has it."""

    name: str
    line: int
    code: str
    asked_first: str


# By the tests that should notice; all others are asked when these do not.
MUTATIONS = {
    "limit or at_once": (
        Mutation(name="limiter dropped: the rules do not join", pattern=r"^ *rules=RULES,\n", by=""),
        Mutation(name="limiter dropped: the rules do not join", pattern=r"rules=RULES, ", by=""),
        Mutation(name="limiter weakened: another operation", pattern=r'(operations=\(\s*"\w+\.)(\w+)', by=r"\1other_\2"),
        Mutation(name="limiter weakened: ten times as much", pattern=r"limit=(600|120)\b", by=r"limit=\g<1>0"),
        Mutation(name="limiter weakened: a shorter window", pattern=r"window_seconds=60", by="window_seconds=1"),
        Mutation(name="limiter weakened: in shadow", pattern=r"window_seconds=60,", by="window_seconds=60, shadow=True,"),
        Mutation(
            name="limiter confused: each caller alone", pattern=r"window_seconds=60,", by='window_seconds=60, scope="caller",'
        ),
        Mutation(
            name="limiter confused: everybody together", pattern=r"window_seconds=60,", by='window_seconds=60, scope="global",'
        ),
        Mutation(name="guard without its operation", pattern=r'Guard\(\s*"\w+\.(\w+)"', by=r'Guard("other.\1"'),
        Mutation(name="places at once not held", pattern=r" *at_once=True,\n|, at_once=True", by=""),
    ),
    "tenant": (
        Mutation(name="tenant filter dropped", pattern=r"TABLE\.c\.tenant == tenant(, | *,\n *)", by=""),
        Mutation(name="tenant of another", pattern=r"(?<=\()call\.tenant(?=[,)])", by='"everybody"'),
        Mutation(name="tenant not told to the part behind", pattern=r"tenant=tenant\b", by='tenant="everybody"'),
        Mutation(name="tenant not told to the tool", pattern=r'"tenant": tenant', by='"tenant": "everybody"'),
        Mutation(name="cache shared by tenants", pattern=r"tenant=call\.tenant(?=[,)])(?!,\n *cause)", by='tenant="everybody"'),
    ),
    "kept": (
        Mutation(name="cache time ten times as long", pattern=r"ttl_seconds=60", by="ttl_seconds=600"),
        Mutation(name="cache time too short", pattern=r"ttl_seconds=60", by="ttl_seconds=5"),
        Mutation(
            name="cache of one process",
            pattern=r"^( *)kit\.parts\.level,",
            by=r"\1__import__('mcp_gateway.kit', fromlist='x').MemorySharedLevel(),",
        ),
        Mutation(name="missing invalidation", pattern=r"await parts\.changed\([^\n]*\)", by="pass"),
        Mutation(name="missing invalidation of lists", pattern=r'^ *tags=\("list",\),\n( *when_away)', by=r"\1"),
        Mutation(name="missing invalidation of one", pattern=r"^ *keys=keys,\n", by=""),
        Mutation(name="invalidation of another tenant", pattern=r"tenant=call\.tenant(?=,\n *cause)", by='tenant="everybody"'),
        Mutation(name="lists without their tag", pattern=r'^( *)tags=\("list",\),\n( *\))', by=r"\2"),
        Mutation(name="one key for all pages", pattern=r"f\"list:\{limit\}:\{after or ''\}\"", by='"list"'),
        Mutation(name="one key for all things", pattern=r"get_or_load\(key, ", by='get_or_load("one", '),
    ),
    "broken or not_found or slow or failing or judged or second": (
        Mutation(name="swallowed error: not found", pattern=r"raise NotFound", by="return None  # type: ignore"),
        Mutation(
            name="swallowed error: the part behind",
            pattern=r"raise (ServiceFailed|Unavailable)(\(.*\))? from error",
            by="return None",
        ),
        Mutation(name="swallowed error: a fault of a tool", pattern=r"^    ( *)raise ServiceFailed$", by=r"    \1return answer"),
        Mutation(
            name="inside told to the client",
            pattern=r'Unavailable\("The database does not answer\."\)',
            by="Unavailable(str(error))",
        ),
        Mutation(name="breaker dropped", pattern=r"await self\.breaker\.call\(\s*([\w.]+),", by=r"await \1("),
        Mutation(name="breaker dropped", pattern=r"^ *self\.breaker\.guard\(\),\n", by=""),
        Mutation(name="breaker never opens", pattern=r"minimum_calls=20", by="minimum_calls=2_000"),
        Mutation(name="deadline dropped", pattern=r" *deadline_seconds=DEADLINE_SECONDS,?\n?", by=""),
        Mutation(name="a missing part not told", pattern=r'return \{\}, \["ratings"\]', by="return {}, []"),
        Mutation(name="a gap is kept", pattern=r"return 60 if whole else 0", by="return 60"),
    ),
    "key or page or draft or fit or created or deleted or secret or health": (
        Mutation(name="keys unchecked", pattern=r"Path\(pattern=ID_PATTERN, ", by="Path("),
        Mutation(name="page without a bound", pattern=r"Query\(ge=1, le=100\)", by="Query()"),
        Mutation(name="empty names taken", pattern=r"min_length=1, ", by=""),
        Mutation(name="texts that databases do not take", pattern=r"\[\^\\x00\]", by="."),
        Mutation(name="an empty secret taken", pattern=r"MIN_SECRET_BYTES = 32", by="MIN_SECRET_BYTES = 0"),
        Mutation(name="unknown fields taken", pattern=r'extra="forbid"', by='extra="ignore"'),
        Mutation(name="another status", pattern=r"status_code=201", by="status_code=200"),
        Mutation(name="repeated key creates twice", pattern=r' *idempotency="optional",?\n?', by=""),
        Mutation(name="not in health", pattern=r"pings=\{[^}]*\}", by="pings={}"),
        Mutation(name="delete does nothing", pattern=r'"DELETE", key', by='"GET", key'),
    ),
    "deliver or signed or number": (
        Mutation(
            name="words of a newer sender refused",
            pattern=r'(class Delivery\(BaseModel\):\n    """.*"""\n)',
            by=r'\1\n    model_config = {"extra": "forbid"}\n',
        ),
        Mutation(name="signature unchecked", pattern=r"parts\.check\(call\.tenant, signature, body\)", by="pass"),
        Mutation(name="old deliveries taken", pattern=r"abs\(age\)", by="-age"),
        Mutation(name="future deliveries taken", pattern=r"abs\(age\)", by="age"),
        Mutation(name="any signature fits", pattern=r"if not is_among\([^\n]*\)", by="if not signature"),
        Mutation(name="one secret for all", pattern=r"hmac\.digest\(master, tenant\.encode\(\)", by='hmac.digest(master, b""'),
        Mutation(name="body not signed", pattern=r"head\.encode\(\) \+ body", by="head.encode()"),
        Mutation(name="deliveries applied twice", pattern=r"key=signature\.webhook_id", by="key=os.urandom(8).hex()"),
        Mutation(name="other bodies under one number", pattern=r", body\),\n", by=', b""),\n'),
    ),
}


def mutants(code: str) -> Iterator[Mutant]:
    """Every place of every mutation; those that leave the text as it is are none."""
    for asked_first, mutation in ((tests, mutation) for tests, mutations in MUTATIONS.items() for mutation in mutations):
        for found in re.finditer(mutation.pattern, code, re.MULTILINE):
            changed = code[: found.start()] + found.expand(mutation.by) + code[found.end() :]
            if changed != code:
                line = code.count("\n", 0, found.start()) + 1
                yield Mutant(name=mutation.name, line=line, code=changed, asked_first=asked_first)
