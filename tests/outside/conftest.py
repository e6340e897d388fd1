"""The conformance fixture behind a gateway, for clients nobody here wrote."""

from collections.abc import Iterator

import pytest
from tests.programs import folder_for, gateway, module


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The one endpoint of a gateway with the fixture behind it."""
    with (
        folder_for("outside") as folder,
        module("tests.upstreams.conformance_fixture") as upstream,
        gateway(folder, {"fixture": f"{upstream.url}/mcp"}) as program,
    ):
        yield f"{program.url}/mcp"
