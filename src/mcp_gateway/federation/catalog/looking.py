"""When a name was looked for in vain last, and who had not answered then."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.catalog.known import Known
from mcp_gateway.federation.catalog.model import ListKind
from mcp_gateway.federation.views import View

LOOK_AGAIN_SECONDS: Final = 2.0
MAX_LOOKED: Final = 10_000
_Place: TypeAlias = tuple[str, str, str, ListKind]


class _Look(NamedTuple):
    """`until` is monotonic; `late` are the servers that had not answered."""

    until: float
    late: Collection[str]


_NEVER: Final = _Look(0.0, ())


class Looking:
    """What nobody has is not looked for again at once, whatever it is called: each time every server might be asked."""

    def __init__(self, clock: Clock, known: Known) -> None:
        self._clock, self._known = clock, known
        self._looks: OrderedDict[_Place, _Look] = OrderedDict()

    def due(self, view: View, caller: Caller, kinds: Iterable[ListKind]) -> list[ListKind]:
        """Those of the lists that may be asked for now."""
        now = self._clock.monotonic()
        return [kind for kind in kinds if now >= self._looks.get(_place(view, caller, kind), _NEVER).until]

    def note(self, view: View, caller: Caller, late: Mapping[ListKind, Collection[str]]) -> None:
        """These lists were asked for, and these servers did not answer in time."""
        until = self._clock.monotonic() + LOOK_AGAIN_SECONDS
        for kind, names in late.items():
            place = _place(view, caller, kind)
            self._looks[place] = _Look(until, names)
            self._looks.move_to_end(place)
        while len(self._looks) > MAX_LOOKED:
            self._looks.popitem(last=False)

    def silent(self, view: View, caller: Caller, kinds: Iterable[ListKind]) -> list[str]:
        """Servers that had not answered when they were asked last, and of which nothing is known by now: sorted names."""
        looks = ((kind, self._looks.get(_place(view, caller, kind), _NEVER)) for kind in kinds)
        return sorted({name for kind, look in looks for name in look.late if not self._known.names(name, kind)})

    def forget(self) -> None:
        """Something changed: what was looked for in vain may be there."""
        self._looks.clear()


def _place(view: View, caller: Caller, kind: ListKind) -> _Place:
    return (view.name, caller.tenant, caller.subject, kind)
