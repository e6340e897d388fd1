"""The kinds of remedy there are.

Nothing else is ever proposed: no deleting by pattern, no flush, no CONFIG SET, no raised timeouts.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mcp_gateway.core.errors import InvalidInput, Json
from mcp_gateway.diagnostics.actions.by_hand import BY_HAND
from mcp_gateway.diagnostics.errors import UnknownRemedy
from mcp_gateway.diagnostics.verdict import Action, Risk

# What this product can carry out itself, in the store that is configured.
OURS = frozenset(
    {"deny_command", "drop_cached_value", "end_script", "expire_keys", "load_scripts", "release_breaker", "roll_back_rules"}
)
# What a target's value may be written with in a command; other values are shown as a stand-in that a person replaces.
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@%{}~-]{1,200}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """`says` is the sentence for a person, with the target's names in braces; `undo` "" when it cannot be taken back."""

    name: str
    says: str
    risk: Risk
    preconditions: tuple[str, ...]
    undo: str
    target: tuple[str, ...]


def _kind(name: str, says: str, risk: Risk, undo: str, *target: str, needs: tuple[str, ...] = ()) -> Kind:
    return Kind(name=name, says=says, risk=risk, preconditions=needs, undo=undo, target=target)


_DRY_RUN = "Its command shows whom it concerns and what would change, and asks before it changes anything."
_READ_FIRST = "It is done by hand, by the lines of its command; nothing here carries them out."
_EVIDENCE = "The evidence of this diagnosis is kept: what follows destroys some of it."
_ONE = "One replica at a time, and the next only when this one is well."

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        one.name: one
        for one in (
            _kind(
                "tell_tenant",
                "Tell {tenant} of the limit and of what was asked; nothing is to be repaired.",
                "none",
                "",
                "tenant",
            ),
            _kind(
                "roll_back_rules",
                "Go back to the rules before {rule} changed.",
                "low",
                "Store the present rules again.",
                "rule",
                needs=("The rules now in force are kept.", "What else changed with the rule goes back too."),
            ),
            _kind(
                "expire_keys",
                "Give keys of {prefix} that have none a time to live, a few at a time.",
                "low",
                "",
                "prefix",
                "seconds",
                needs=("The writer that sets no time to live is mended first.", "PEXPIRE with NX: no key's time is changed."),
            ),
            _kind(
                "roll_back_release",
                "Go back to the release of {component} before this began.",
                "medium",
                "Deploy the present release again.",
                "component",
                needs=(_EVIDENCE, _ONE),
            ),
            _kind(
                "restore_cache_ttl",
                "Let cached values live {seconds} s again, with jitter.",
                "low",
                "Set the present time to live again.",
                "seconds",
            ),
            _kind(
                "give_store_memory",
                "Give the store room for {bytes} more in its own configuration.",
                "medium",
                "Set the present bound again.",
                "bytes",
                needs=("The machine has that much memory to spare.",),
            ),
            _kind(
                "reconnect_subscriber",
                "Make {component} connect to the store anew, which empties its near copies.",
                "low",
                "Nothing is left to undo: near copies fill again.",
                "component",
                needs=(_ONE,),
            ),
            _kind(
                "keep_near",
                "Keep the values of {component} in each process too.",
                "low",
                "Switch the near level off again.",
                "component",
            ),
            _kind(
                "drop_cached_value",
                "Take {key} out of the cache with UNLINK; its next reader loads it anew.",
                "low",
                "Restore the saved value, unless another was written.",
                "key",
                needs=("It is a cached value: what it was made from still is where it was.",),
            ),
            _kind(
                "replace_big_value",
                "Write {key} anew in parts and UNLINK the old one.",
                "medium",
                "Restore the saved value.",
                "key",
                needs=("The value is saved.", "Its readers can read the parts."),
            ),
            _kind(
                "deny_command",
                "Take the permission for {command} from the user who sends it; SCAN does the same in steps.",
                "medium",
                "Grant the command again.",
                "command",
                needs=("The sender is known, and can do without.", "It holds until the store restarts: have the sender mended."),
            ),
            _kind(
                "end_script",
                "End the script that holds the store's one thread; the store refuses that for one that has written.",
                "low",
                "",
                needs=(_EVIDENCE,),
            ),
            _kind(
                "resume_store",
                "Let the store's process go on, or fail over to its replica.",
                "medium",
                "Fail back.",
                needs=(_EVIDENCE,),
            ),
            _kind(
                "start_store",
                "Start the store's process where it is expected.",
                "low",
                "Stop it again.",
                needs=("Its port is free and its last data is known.",),
            ),
            _kind(
                "correct_store_address",
                "Give the gateway the address {address} of its store.",
                "low",
                "Give it the present address again.",
                "address",
            ),
            _kind(
                "load_scripts",
                "Send the store the text of the limiter's scripts again.",
                "none",
                "A script that nobody asks for does nothing.",
            ),
            _kind(
                "restart_worker",
                "Take {component} out of rotation, restart it and take it in again.",
                "medium",
                "Nothing is left to undo: what it held was lost already.",
                "component",
                needs=(_EVIDENCE, _ONE),
            ),
            _kind(
                "release_breaker",
                "Give the circuit {breaker} back to its own judgement.",
                "low",
                "Hold it open again.",
                "breaker",
            ),
            _kind(
                "resize_pool",
                "Give the pool {pool} {size} connections: rate times time, and half as many again.",
                "low",
                "Set the present size again.",
                "pool",
                "size",
                needs=("The part behind it takes that many.",),
            ),
            _kind(
                "create_index",
                "Create the index that {statement} lost, without locking writers out.",
                "medium",
                "Drop it again.",
                "statement",
                needs=("The plan is a full scan, and with the index it is not.",),
            ),
            _kind(
                "correct_address",
                "Give the gateway the address {address} of {upstream}.",
                "low",
                "Give it the present address again.",
                "upstream",
                "address",
            ),
            _kind(
                "synchronise_clock",
                "Set the clock of {replica} by NTP; take it out of rotation until then.",
                "low",
                "Nothing is left to undo.",
                "replica",
            ),
            _kind(
                "publish_signing_keys",
                "Have the issuer publish the key it signs with, and the gateways read the set again.",
                "low",
                "Sign with the former key again.",
                needs=("The new key is the issuer's own.",),
            ),
            _kind(
                "restart_server",
                "Restart the MCP server {server}; its callers are refused quickly until then.",
                "medium",
                "Nothing is left to undo.",
                "server",
                needs=(_EVIDENCE,),
            ),
            _kind(
                "review_schema",
                "Hold the tools of {server} to the approved description until somebody has read the new one.",
                "low",
                "Approve the new description.",
                "server",
            ),
        )
    }
)


def action(kind: str, *, verify: str, **target: str) -> Action:
    """A remedy of that kind. Raises `UnknownRemedy`, and `InvalidInput` when the target lacks a part or has one too many."""
    known = KINDS.get(kind)
    if known is None:
        raise UnknownRemedy(f"There is no remedy {kind[:60]}.", kinds=list[Json](sorted(KINDS)))
    if set(target) != set(known.target):
        takes = " ".join(f"{name}=VALUE" for name in known.target) or "no target"
        raise InvalidInput(
            f"The remedy {kind} takes {takes}.",
            hint="Write the targets as `mcp-gateway diagnose` proposes them.",
            given=list[Json](sorted(name[:60] for name in target)),
        )
    reversible = bool(known.undo)
    return Action(
        kind=kind,
        target=target,
        risk=known.risk,
        reversible=reversible,
        dry_run=_DRY_RUN if kind in OURS else _READ_FIRST,
        preconditions=known.preconditions,
        verify=verify,
        undo=known.undo,
        command=render(kind, target),
    )


def told(one: Action) -> str:
    """The remedy as a sentence; bytes with their unit."""
    target = dict(one.target)
    if target.get("bytes", "").isdecimal():
        target["bytes"] = _size(int(target["bytes"]))
    return KINDS[one.kind].says.format_map(target)


def _size(number: int) -> str:
    whole = number / 1_048_576
    return f"{whole / 1_024:g} GiB" if whole >= 1_024 and whole % 512 == 0 else f"{whole:,.4g} MiB".replace(",", "")


def render(kind: str, target: Mapping[str, str]) -> str:
    """For a person to read and run, a line for each step; what depends on how things are run is a remark to the shell.

    A value with unusual characters is not written out: names come from outside.
    """
    plain = {name: value if _PLAIN.fullmatch(value) else f"<{name}>" for name, value in sorted(target.items())}
    if kind not in OURS:
        quoted = {name: shlex.quote(value) for name, value in plain.items()}
        return "\n".join(line.format_map(quoted) for line in BY_HAND[kind])
    return shlex.join(["mcp-gateway", "ops", "apply", kind, *(f"{name}={value}" for name, value in plain.items())])
