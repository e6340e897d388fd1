"""Files of other people, every one of them judged as if it had routes: nothing may crash."""

import random
import sysconfig
import tempfile
from pathlib import Path

from mcp_gateway.kit.patterns.judge import judge
from mcp_gateway.kit.patterns.model import Order
from mcp_gateway.kit.patterns.python.modules import Project
from mcp_gateway.kit.patterns.study import World

SEED = 20_261_122


def foreign_files(number: int) -> list[Path]:
    """Some of what is installed beside us, always the same."""
    files = sorted(Path(sysconfig.get_paths()["purelib"]).rglob("*.py"))
    return random.Random(SEED).sample(files, min(number, len(files)))  # noqa: S311  (a sample, no secret)


def measure_foreign(number: int) -> tuple[int, int]:
    """How many could not be judged because of an error of ours, and of how many."""
    files = foreign_files(number)
    root = Path(sysconfig.get_paths()["purelib"])
    crashes = 0
    with tempfile.TemporaryDirectory():
        for start in range(0, len(files), 50):
            project = Project(root)
            world = World(Order(root=root, paths=(root,), level="production_ready"), (), project)
            for path in files[start : start + 50]:
                try:
                    module = project.module(path)
                    if module is not None:
                        judge(world.study(module), str(path))
                except Exception as error:  # noqa: BLE001  (whatever it is, it is a crash)
                    crashes += 1
                    print(f"CRASH {path}: {error!r}")
    return crashes, len(files)
