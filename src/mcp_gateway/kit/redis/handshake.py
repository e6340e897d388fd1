"""The first words on a new connection: protocol, login, database, subscriptions; and who the server is."""

import asyncio
import secrets

import structlog

from mcp_gateway.kit.errors import StoreRefused
from mcp_gateway.kit.redis.address import Address
from mcp_gateway.kit.redis.packing import Word, pack
from mcp_gateway.kit.redis.subscriptions import Subscriptions
from mcp_gateway.kit.redis.wire import Reply, Wire

_log = structlog.get_logger(__name__)


async def greet(wire: Wire, address: Address, subscriptions: Subscriptions, timeout_seconds: float, *, client_name: str) -> str:
    """The server's run id, which changes when it restarts or another takes over.

    A server that may not be asked (`NOPERM` on INFO) counts as new each time. Raises `StoreRefused` for a wrong password or a
    server without RESP3, `StoreUnavailable` when the line breaks.
    """
    greetings: list[tuple[Word, ...]] = [("HELLO", 3, *_login(address), "SETNAME", client_name)]
    if address.database:
        greetings.append(("SELECT", address.database))
    sent = [wire.send(pack(*words), timeout_seconds) for words in greetings]
    about = wire.send(pack("INFO", "server"), timeout_seconds)
    answers = await asyncio.gather(*sent, about, return_exceptions=True)
    for answer in answers[:-1]:
        if isinstance(answer, BaseException):
            raise answer
    await _resubscribe(wire, subscriptions, timeout_seconds)
    return _run_id(answers[-1])


async def _resubscribe(wire: Wire, subscriptions: Subscriptions, timeout_seconds: float) -> None:
    """A channel this user may not hear is no reason to do without the store; whoever needs it must notice."""
    channels = subscriptions.channels
    sent = [wire.send_for_push(pack("SUBSCRIBE", channel), timeout_seconds) for channel in channels]
    for channel, answer in zip(channels, await asyncio.gather(*sent, return_exceptions=True), strict=True):
        if isinstance(answer, StoreRefused):
            _log.error("store_channel_refused", channel=channel.decode(), reason=answer.message)
        elif isinstance(answer, BaseException):
            raise answer


def _login(address: Address) -> tuple[str, ...]:
    return ("AUTH", address.username or "default", address.password) if address.password else ()


def _run_id(answer: "Reply | BaseException") -> str:
    if isinstance(answer, BaseException):
        if not isinstance(answer, StoreRefused):
            raise answer
        return secrets.token_hex(20)
    text = answer.decode() if isinstance(answer, bytes) else ""
    found = [line.removeprefix("run_id:").strip() for line in text.splitlines() if line.startswith("run_id:")]
    return found[0] if found else secrets.token_hex(20)
