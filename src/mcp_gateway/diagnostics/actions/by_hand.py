"""What a person does where this product cannot: lines for a shell, and remarks where a step depends on how things are run.

Targets stand in braces. A remark names the setting, the file or the tool; it never says merely that something is to be done.
"""

from collections.abc import Mapping
from types import MappingProxyType

_STORE = 'redis-cli -u "$REDIS_URL"'

BY_HAND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "tell_tenant": (
            "# by hand: tell {tenant} what was asked for and refused; these are the figures:",
            'mcp-gateway call analyze_performance_metrics \'{{"metric_type": "rate_limiting"}}\'',
        ),
        "roll_back_release": (
            "kubectl rollout undo deployment/{component}  # on Kubernetes; elsewhere deploy the release that ran before",
            "kubectl rollout status deployment/{component}  # one replica at a time",
        ),
        "restore_cache_ttl": (
            "# by hand, where the cache is made: CachePolicy(ttl_seconds={seconds}, ttl_jitter=0.1)",
            "# then deploy it, one replica at a time; values that are stored keep the time they have",
        ),
        "give_store_memory": (
            f"{_STORE} INFO memory  # maxmemory is the bound now",
            "# by hand, in the store's own configuration (maxmemory, or the provider's plan): {bytes} bytes more",
        ),
        "reconnect_subscriber": (
            f"{_STORE} PUBSUB NUMSUB {{component}}  # how many hear it; each replica should",
            "# by hand: restart the replicas one after the other until that number is back",
        ),
        "keep_near": (
            "# by hand, where the cache is made: CachePolicy(near=True), which the kit's is by default",
            "# a value that is read without the kit's cache: read it through one (docs/kit/cache.md)",
        ),
        "replace_big_value": (
            f"{_STORE} MEMORY USAGE {{key}}",
            "# by hand: have its writer store parts under keys of their own, and its readers read the parts they need",
            f"{_STORE} UNLINK {{key}}  # last, when nobody reads it any more",
        ),
        "resume_store": (
            'kill -CONT "$(pidof valkey-server redis-server)"  # when its process is stopped: state T in ps',
            f"{_STORE} PING  # no answer: fail over to its replica, as the provider or Sentinel does it",
        ),
        "start_store": (
            "systemctl start valkey-server  # or redis-server, or its container, where it is expected to run",
            f"{_STORE} INFO persistence  # that its last data was loaded",
        ),
        "correct_store_address": (
            "export REDIS_URL={address}  # where the gateway gets its settings, with its own user and password",
            "# then restart the replicas, one at a time",
        ),
        "restart_worker": (
            "kubectl rollout restart deployment/{component}  # on Kubernetes; elsewhere one replica after the other",
            "kubectl rollout status deployment/{component}",
        ),
        "resize_pool": (
            "# by hand, where the client {pool} is made: httpx.Limits(max_connections={size}), or its own setting",
            "# then deploy it, one replica at a time",
        ),
        "create_index": (
            "# by hand, in psql: EXPLAIN the statement {statement}; its plan names the table and the columns it filters by",
            "# CREATE INDEX CONCURRENTLY on those columns; EXPLAIN again: the scan of the whole table is gone",
        ),
        "correct_address": (
            "# by hand: {address} is the address of {upstream}; set it where the gateway gets its settings (AI_ENGINE_URL, say)",
            "# then restart the replicas, one at a time",
        ),
        "synchronise_clock": (
            "chronyc tracking  # on the machine of {replica}: how far it is off, and from whom it takes the time",
            "chronyc makestep",
        ),
        "publish_signing_keys": (
            "# by hand, at the issuer: put the public half of the new key into the set at its jwks_uri",
            "# gateways read the set again when they meet a key they do not know",
        ),
        "restart_server": (
            "mcp-gateway servers test {server}  # whether it is the server or the way to it",
            "kubectl rollout restart deployment/{server}  # on Kubernetes; elsewhere restart its process",
        ),
        "review_schema": (
            "mcp-gateway servers show {server}  # what changed, and what was approved",
            "mcp-gateway servers update {server} --drift approve  # hold it to what was approved until somebody has read it",
        ),
    }
)
