"""Files a second on two cores: twice what one process does in a second of its own time, so that other work on the machine counts
for nothing. Over files that are installed beside us, with good routers among them."""

import shutil
import sysconfig
import tempfile
import time
from pathlib import Path

from bench.patterns.cases import read_projects

from mcp_gateway.kit.patterns.model import Order
from mcp_gateway.kit.patterns.validate import validate

FOREIGN = 2_000
COPIES = 20


def measure_speed() -> float:
    """Of a project of 2,000 files without routes and 20 copies of the good programs."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = sorted(Path(sysconfig.get_paths()["purelib"]).rglob("*.py"))[::5][:FOREIGN]
        for number, path in enumerate(files):
            target = root / f"other_{number % 40}"
            target.mkdir(exist_ok=True)
            shutil.copyfile(path, target / f"m{number}.py")
        for number in range(COPIES):
            for base, project in read_projects().items():
                for name, text in project.items():
                    target = root / f"{base}_{number}" / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(text, encoding="utf-8")
        begun, worked = time.perf_counter(), time.process_time()
        report = validate(Order(root=root, paths=(root,), level="production_ready"))
        seconds, busy = time.perf_counter() - begun, time.process_time() - worked
    total = len(report.files) + report.skipped + len(report.unreadable)
    print(
        f"{total} files, {len(report.files)} of them with routes: {seconds:.2f} s, {busy:.2f} s of them at work, in one process"
    )
    return 2 * total / busy
