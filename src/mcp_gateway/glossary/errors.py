"""What can be wrong with a glossary file."""

from mcp_gateway.core.errors import Unprocessable
from mcp_gateway.glossary.model import Fault

SHOWN_FAULTS = 20


class BadGlossaryFile(Unprocessable):
    """The glossary file cannot be used."""

    code = "BAD_GLOSSARY_FILE"
    hint = "Correct the lines named in the message; each says what to write instead."

    def __init__(self, file: str, faults: tuple[Fault, ...]) -> None:
        """`file` is what to call it; `faults` stand in the order of the file, at least one."""
        shown = [fault.in_words(file) for fault in faults[:SHOWN_FAULTS]]
        more = len(faults) - len(shown)
        if more:
            shown.append(f"and {more} more")
        super().__init__("\n".join(shown), file=file, faults=[fault.to_dict() for fault in faults[:SHOWN_FAULTS]])
        self.faults = faults


class NotReadable(Exception):
    """The text of a file cannot even be made into nodes; becomes a `BadGlossaryFile`."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.problem)
