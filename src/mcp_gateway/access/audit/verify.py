"""Verifying a chain: whatever was changed, removed, moved or put in between is named by its sequence.

Reads the rows as a stream, and while lines are added. What it cannot find is in decision 0017: mainly, a chain made anew from the
last seal on, and a tenant removed as a whole. Seals kept elsewhere find both: give them as `kept`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from mcp_gateway.access.audit.chain import COLUMNS, columns_of, genesis, next_hash, read_body
from mcp_gateway.access.audit.model import RETENTION, Head, Seal, StoredRow
from mcp_gateway.access.audit.ports import AuditStore

Fault: TypeAlias = Literal[
    "changed", "missing", "repeated", "cut_off", "added", "head_changed", "head_missing",
    "seal_broken", "seal_forged", "seal_of_another_key",
]  # fmt: skip
SealVerdict: TypeAlias = Literal["good", "forged", "of_another_key"]
CheckSeal: TypeAlias = Callable[[Seal], SealVerdict]

PAGE: Final = 1_000
MAX_FINDINGS: Final = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something wrong, at a sequence or from there through `through`."""

    fault: Fault
    sequence: int
    through: int
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """`first` and `last` are the sequences of the rows there are, 0 when there are none; `seals` those that hold.

    `findings`: at most 1,000, in the order of the chain.
    """

    tenant: str
    rows: int
    first: int
    last: int
    hash: str
    seals: int
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


async def verify(
    store: AuditStore,
    tenant: str,
    check: CheckSeal,
    *,
    kept: Sequence[Seal] = (),
    behind: Seal | None = None,
    through: int | None = None,
) -> Verification:
    """The chain of a tenant, all of it unless told otherwise. Raises `Unavailable`.

    `kept` are seals from outside the store that must hold too. `behind` a seal that was checked: the rows up to it are believed.
    `through` the last sequence looked at: whether the chain goes on from there is then not asked.
    """
    head = await store.head(tenant)
    seals = [*await store.seals(tenant), *(seal for seal in kept if seal.tenant == tenant)]
    walk = _Walk(tenant=tenant, seals=_Seals.checked(seals, check))
    page = await store.read(tenant, after=behind.sequence if behind else 0, limit=PAGE)
    walk.begin(head, page[0].sequence if page else None, behind)
    ends = [*([] if head is None else [head.sequence]), *([] if through is None else [through])]
    last = min(ends, default=None)
    while page:
        for row in page:
            if last is None or row.sequence <= last:
                walk.take(row)
        ended = last is not None and page[-1].sequence >= last
        page = [] if ended else await store.read(tenant, after=page[-1].sequence, limit=PAGE)
    if through is None:
        walk.end(head)
        if head is not None:
            await _look_beyond(store, head, walk)
    return walk.result()


async def _look_beyond(store: AuditStore, head: Head, walk: "_Walk") -> None:
    """Rows behind the end are what was added since, or the end would have moved with them."""
    beyond = await store.read(head.tenant, after=head.sequence, limit=1)
    now = await store.head(head.tenant)
    if beyond and (now is None or now.sequence < beyond[0].sequence):
        walk.find("added", beyond[0].sequence, "stands behind the end of the chain")


@dataclass(kw_only=True, slots=True)
class _Seals:
    """Those that a key vouches for, by sequence, and what is wrong with the others."""

    good: dict[int, set[str]] = field(default_factory=dict)
    ends_of_removal: set[int] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    held: int = 0

    @classmethod
    def checked(cls, seals: Sequence[Seal], check: CheckSeal) -> "_Seals":
        found = cls()
        for seal in seals:
            verdict = check(seal)
            if verdict == "good":
                found.good.setdefault(seal.sequence, set()).add(seal.hash)
                if seal.reason == RETENTION:
                    found.ends_of_removal.add(seal.sequence)
            else:
                fault: Fault = "seal_forged" if verdict == "forged" else "seal_of_another_key"
                detail = "its signature is not that of the key it names" if verdict == "forged" else f"its key is {seal.key[:60]}"
                found.findings.append(Finding(fault=fault, sequence=seal.sequence, through=seal.sequence, detail=detail))
        return found


@dataclass(kw_only=True, slots=True)
class _Walk:
    """Along the chain, row by row. `before` holds what the hash before the next row may be: two after a row that was changed."""

    tenant: str
    seals: _Seals
    before: set[str] = field(default_factory=set)
    expected: int = 1
    rows: int = 0
    first: int = 0
    last: int = 0
    hash: str = ""
    findings: list[Finding] = field(default_factory=list)

    def find(self, fault: Fault, sequence: int, detail: str, *, through: int | None = None) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(
                Finding(fault=fault, sequence=sequence, through=sequence if through is None else through, detail=detail)
            )

    def begin(self, head: Head | None, first: int | None, behind: Seal | None) -> None:
        """Where the chain begins: at its first row, or behind the seal of a removal."""
        self.findings += self.seals.findings
        if behind is not None:
            self.before, self.expected, self.last, self.hash = {behind.hash}, behind.sequence + 1, behind.sequence, behind.hash
            return
        if head is None:
            if first is not None:
                self.find("head_missing", 1, "there are rows, but nothing that says where they end")
            return
        self.before = {genesis(self.tenant, head.installation)}
        begins = head.sequence + 1 if first is None else first
        if begins - 1 in self.seals.ends_of_removal:
            self._start_behind_seal(begins - 1)

    def _start_behind_seal(self, sequence: int) -> None:
        hashes = self.seals.good.pop(sequence)
        self.seals.held += 1
        self.before, self.expected, self.last, self.hash = hashes, sequence + 1, sequence, min(hashes)

    def take(self, row: StoredRow) -> None:
        self.rows += 1
        if row.sequence < self.expected:
            self.find("repeated", row.sequence, "there is another row with this sequence")
            return
        if row.sequence > self.expected:
            self.find("missing", self.expected, "removed", through=row.sequence - 1)
            # Nothing says what stood before it: the row behind a gap is taken as it is, and its own text still checked.
            self.before = set()
        faults = list(_faults(row, self.tenant))
        hashes = {next_hash(before, row.body) for before in self.before}
        if self.before and row.hash not in hashes:
            faults.append("it does not follow from the row before it" if not faults else "its hash is another")
        if faults:
            self.find("changed", row.sequence, "; ".join(faults))
        self._check_seal(row)
        self.before = {row.hash} if row.hash in hashes else {row.hash, *hashes}
        self.first = self.first or row.sequence
        self.expected, self.last, self.hash = row.sequence + 1, row.sequence, row.hash

    def _check_seal(self, row: StoredRow) -> None:
        sealed = self.seals.good.pop(row.sequence, None)
        if sealed is None:
            return
        if sealed == {row.hash}:
            self.seals.held += 1
        else:
            self.find("seal_broken", row.sequence, "the chain was sealed here with another hash")

    def end(self, head: Head | None) -> None:
        if head is not None:
            if head.sequence > self.last:
                self.find("cut_off", self.last + 1, "removed from the end", through=head.sequence)
            elif head.hash not in (self.before if self.rows else {self.hash, *self.before}):
                self.find("head_changed", head.sequence, "the end is said to have another hash")
        for sequence in sorted(self.seals.good):
            if sequence > self.last:
                self.find("seal_broken", sequence, "the chain was sealed here, and ends before")

    def result(self) -> Verification:
        found = tuple(sorted(self.findings, key=lambda one: one.sequence))
        return Verification(
            tenant=self.tenant,
            rows=self.rows,
            first=self.first,
            last=self.last,
            hash=self.hash,
            seals=self.seals.held,
            findings=found,
        )


def _faults(row: StoredRow, tenant: str) -> Iterator[str]:
    """What the row says of itself that does not agree."""
    event = read_body(row.body)
    if event is None:
        yield "its text is not one the trail writes"
        return
    if event.tenant != tenant or row.tenant != tenant:
        yield "its text is of another tenant"
    wrong = [name for name, is_, should_be in zip(COLUMNS, row.columns, columns_of(event), strict=True) if is_ != should_be]
    if wrong:
        yield f"not what its text says: {', '.join(wrong)}"
