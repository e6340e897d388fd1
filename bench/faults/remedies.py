"""What carries remedies out in the rig: each kind changes what it names and nothing else, so that a wrong one does not help."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from bench.faults.database import INDEXES, create_index
from bench.faults.flags import Flags
from bench.faults.lab import Lab
from bench.faults.replica import PROFILE_KEY

from mcp_gateway.adapters.remedies.cached_value import DropCachedValue
from mcp_gateway.adapters.remedies.command_permission import DenyCommand
from mcp_gateway.adapters.remedies.expire_keys import ExpireKeys
from mcp_gateway.adapters.remedies.store_state import EndScript, LoadScripts
from mcp_gateway.adapters.remedies.stored_rules import RollBackRules
from mcp_gateway.diagnostics.actions.applying import unheard
from mcp_gateway.diagnostics.actions.operating import Operator as StoreOperator
from mcp_gateway.diagnostics.verdict import Action

Operator: TypeAlias = Callable[[Lab, Action], Awaitable[None]]
# What a release brings; what is configured, or the state of a machine, stays as it is.
BUILD_FLAGS = ("keys_without_ttl", "scripts_by_id", "leak_every", "keep_bytes", "block_seconds")
STATEMENT_INDEXES = {"orders.by_customer": "orders_customer", "orders.by_day": "orders_day"}


async def carry_out(lab: Lab, action: Action) -> None:
    """Raises `KeyError` for a kind that nobody here can carry out."""
    await _OPERATORS[action.kind](lab, action)


async def _ours(operator: StoreOperator, action: Action) -> None:
    await (await operator.prepare(action)).do(unheard)


async def _nothing(_: Lab, __: Action) -> None:
    """To be told somebody, and no more."""


async def _roll_back(lab: Lab, action: Action) -> None:
    if action.target["component"] == "engine":
        (await lab.rig.client.post(f"{lab.rig.engine.url}/flags", json={})).raise_for_status()
    else:
        healthy = Flags()
        await lab.rig.tell_all(**{name: getattr(healthy, name) for name in BUILD_FLAGS})


async def _roll_back_rules(lab: Lab, action: Action) -> None:
    await _ours(RollBackRules(url=lab.rig.store.url), action)


async def _expire(lab: Lab, action: Action) -> None:
    await _ours(ExpireKeys(url=lab.rig.store.url), action)


async def _cache_ttl(lab: Lab, action: Action) -> None:
    await lab.rig.tell_all(cache_seconds=float(action.target["seconds"]))


async def _memory(lab: Lab, action: Action) -> None:
    with lab.rig.store.client() as client:
        client.config_set("maxmemory", client.info("memory")["maxmemory"] + int(action.target["bytes"]))


async def _reconnect(lab: Lab, _: Action) -> None:
    await lab.rig.tell_all(deaf=False)


async def _near(lab: Lab, _: Action) -> None:
    await lab.rig.tell_all(catalog_near=True)


async def _split(lab: Lab, _: Action) -> None:
    """The one key that is read whole, written anew as its readers need it."""
    with lab.rig.store.client() as client:
        if (client.memory_usage(PROFILE_KEY) or 0) > 10_000:
            lab.rig.write_profile(client)


async def _drop(lab: Lab, action: Action) -> None:
    await _ours(DropCachedValue(url=lab.rig.store.url), action)


async def _end_script(lab: Lab, action: Action) -> None:
    await _ours(EndScript(url=lab.rig.store.url), action)


async def _deny(lab: Lab, action: Action) -> None:
    await _ours(DenyCommand(url=lab.rig.store.url), action)


async def _resume(lab: Lab, _: Action) -> None:
    lab.stop_stuttering.set()
    lab.rig.store.resume()


async def _start(lab: Lab, _: Action) -> None:
    if not lab.rig.store.running:
        await asyncio.to_thread(lab.rig.start_store)


async def _store_address(lab: Lab, _: Action) -> None:
    await lab.rig.tell_all(store_url="")


async def _scripts(lab: Lab, action: Action) -> None:
    await _ours(LoadScripts(url=lab.rig.store.url), action)


async def _restart(lab: Lab, action: Action) -> None:
    """The engine, or the gateway's replicas one after the other."""
    programs = [lab.rig.engine] if action.target["component"] == "engine" else lab.rig.replicas
    for program in programs:
        await asyncio.to_thread(program.kill)
        await asyncio.to_thread(program.start)


async def _release(lab: Lab, _: Action) -> None:
    await lab.rig.tell_all(breaker="automatic")


async def _resize(lab: Lab, action: Action) -> None:
    await lab.rig.tell_all(pool_size=int(action.target["size"]))


async def _index(lab: Lab, action: Action) -> None:
    names = [STATEMENT_INDEXES[action.target["statement"]]]
    for name in names if names[0] in INDEXES else ():
        await asyncio.to_thread(create_index, lab.rig.database, name)


async def _address(lab: Lab, action: Action) -> None:
    await lab.rig.tell_all(engine_url=action.target["address"])


async def _clock(lab: Lab, action: Action) -> None:
    for index, program in enumerate(lab.rig.replicas):
        if action.target["replica"] in program.url:
            await lab.rig.tell(index, clock_seconds=0.0)


async def _publish(lab: Lab, _: Action) -> None:
    lab.rig.issuer.publish()


async def _restart_server(lab: Lab, action: Action) -> None:
    lab.stop_stuttering.set()
    program = lab.rig.servers[action.target["server"]]
    await asyncio.to_thread(program.kill)
    await asyncio.to_thread(program.start)


async def _review(lab: Lab, action: Action) -> None:
    """The approved description again, which here means the former release."""
    (await lab.rig.client.post(f"{lab.rig.servers[action.target['server']].url}/flags", json={})).raise_for_status()


_OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "tell_tenant": _nothing,
        "roll_back_rules": _roll_back_rules,
        "expire_keys": _expire,
        "roll_back_release": _roll_back,
        "restore_cache_ttl": _cache_ttl,
        "give_store_memory": _memory,
        "reconnect_subscriber": _reconnect,
        "keep_near": _near,
        "replace_big_value": _split,
        "deny_command": _deny,
        "drop_cached_value": _drop,
        "end_script": _end_script,
        "resume_store": _resume,
        "start_store": _start,
        "correct_store_address": _store_address,
        "load_scripts": _scripts,
        "restart_worker": _restart,
        "release_breaker": _release,
        "resize_pool": _resize,
        "create_index": _index,
        "correct_address": _address,
        "synchronise_clock": _clock,
        "publish_signing_keys": _publish,
        "restart_server": _restart_server,
        "review_schema": _review,
    }
)
