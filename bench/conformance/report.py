"""The page about conformance, and the same as JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version

from bench.conformance.expectations import Expected
from bench.conformance.pairings import Outcome, Pairing
from bench.conformance.suite import PACKAGE, Verdict

MARKS = {"pass": "pass", "warn": "pass, warned", "fail": "**fail**", "skip": "skip"}
ERA_NAMES = {"both": "both eras", "modern": "2026-07-28 only", "legacy": "handshake eras only"}


def page(outcome: Outcome, expected: Sequence[Expected]) -> str:
    """Markdown: a table of sums, what deviates and why, and every scenario."""
    parts = [_head(), _sums(outcome), _deviations(outcome, expected)]
    parts += [_scenarios(revision, outcome) for revision in outcome.direct]
    return "\n\n".join(parts) + "\n"


def as_json(outcome: Outcome) -> str:
    shown = {
        "suite": suite_version(),
        "direct": {revision: _plain(verdicts) for revision, verdicts in outcome.direct.items()},
        "through": [{**asdict(pairing), "scenarios": _plain(verdicts)} for pairing, verdicts in outcome.through.items()],
    }
    return json.dumps(shown, indent=1, sort_keys=True) + "\n"


def suite_version() -> str:
    found: str = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))["dependencies"][
        "@modelcontextprotocol/conformance"
    ]
    return found


def _plain(verdicts: Mapping[str, Verdict]) -> dict[str, str]:
    return {name: verdict.state for name, verdict in sorted(verdicts.items())}


def _head() -> str:
    return (
        "# Conformance\n\n"
        "The public MCP conformance suite, run against one upstream server directly and through the gateway: for clients of\n"
        "three revisions, with an upstream that speaks both eras, the newest revision alone, or only those before it.\n\n"
        f"Written by `python -m bench.conformance`; suite {suite_version()}, mcp-gateway {version('mcp-gateway')}. With\n"
        "`--check` it fails when a verdict differs from the direct one and is not explained below; the tests run that."
    )


def _sums(outcome: Outcome) -> str:
    rows = ["| client | met at | upstream speaks | required | all | as directly |", "|---|---|---|--:|--:|--:|"]
    for revision, verdicts in outcome.direct.items():
        rows.append(
            f"| {revision} | the upstream itself | both eras | {_share(verdicts, only_required=True)} | {_share(verdicts)} | |"
        )
        for pairing, through in outcome.through.items():
            if pairing.revision == revision:
                same = sum(through[name].state == one.state for name, one in verdicts.items() if name in through)
                cells = f"{_share(through, only_required=True)} | {_share(through)} | {same} of {len(verdicts)}"
                rows.append(f"| {revision} | `{pairing.path}` | {ERA_NAMES[pairing.era]} | {cells} |")
    return "\n".join(rows) + "\n\nRequired: what the revision demands. Scenarios that were skipped count in neither."


def _share(verdicts: Mapping[str, Verdict], *, only_required: bool = False) -> str:
    counted = [one for one in verdicts.values() if one.state != "skip" and (one.required or not only_required)]
    return f"{sum(one.state != 'fail' for one in counted)} of {len(counted)}"


def _deviations(outcome: Outcome, expected: Sequence[Expected]) -> str:
    differences = outcome.differences()
    if not differences:
        return "## Deviations\n\nNone: every scenario ends as it does directly."
    rows = ["## Deviations\n", "| scenario | client | upstream speaks | directly | through | why |", "|---|---|---|---|---|---|"]
    told = {(one.scenario, one.pairing.revision, one.pairing.era): one for one in differences}
    for (scenario, revision, era), one in sorted(told.items()):
        why = next((entry.reason for entry in expected if entry.fits(one)), "not explained")
        cells = f"{MARKS[one.direct.state]} | {MARKS[one.through.state]} | {why}"
        rows.append(f"| {scenario} | {revision} | {ERA_NAMES[era]} | {cells} |")
    return "\n".join(rows)


def _scenarios(revision: str, outcome: Outcome) -> str:
    pairings = [pairing for pairing in outcome.through if pairing.revision == revision]
    head = f"| scenario | directly | {' | '.join(_column(pairing) for pairing in pairings)} |"
    rows = [f"## Client of {revision}\n", head, "|---|" + "---|" * (len(pairings) + 1)]
    for name, direct in outcome.direct[revision].items():
        cells = [MARKS[outcome.through[pairing][name].state] if name in outcome.through[pairing] else "" for pairing in pairings]
        rows.append(f"| {name}{'' if direct.required else ' (not required)'} | {MARKS[direct.state]} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _column(pairing: Pairing) -> str:
    return f"`{pairing.path}`, {ERA_NAMES[pairing.era]}"
