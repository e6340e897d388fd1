"""All faults of the benchmark, in their order."""

from bench.faults import faults_serving as serving
from bench.faults import faults_store as store
from bench.faults.cases import Fault

FAULTS: tuple[Fault, ...] = (
    store.F01, store.F02, store.F03, store.F04, store.F05, store.F06, store.F07, store.F08, store.F09, store.F10, store.F11,
    store.F12, store.F13, serving.F14, serving.F15, serving.F16, serving.F17, serving.F18, serving.F19, serving.F20, serving.F21,
    serving.F22, serving.F23, serving.F24, serving.F25, serving.F26, serving.F26B,
)  # fmt: skip
