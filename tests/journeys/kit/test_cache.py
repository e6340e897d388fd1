"""The cache over real processes while things break. The full run is `python -m bench.kit.cache_history`."""

from bench.kit.cache import CALLERS, PROCESSES, stampede
from bench.kit.cache_history import run
from tests.valkey_process import ValkeyProcess


def test_no_read_is_stale_while_replicas_sleep_lines_are_cut_and_valkey_restarts() -> None:
    told, faults, _ = run(20_000, least_faults=5)
    assert faults == 5
    assert told.reads >= 20_000
    assert told.writes > 0
    assert told.stale == 0, told.first_stale


def test_the_checker_notices_a_missing_safeguard() -> None:
    told, _, _ = run(20_000, mutant="no_overtaking", least_faults=2)
    assert told.stale > 0


def test_when_the_loading_process_is_killed_one_more_load_serves_everybody_else() -> None:
    with ValkeyProcess() as valkey:
        loads, served, _ = stampede(valkey.url, kill=True)
    assert loads == 2
    assert served >= CALLERS - CALLERS // PROCESSES - 1
