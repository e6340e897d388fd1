"""Fixtures every test may use."""

import pytest
from hypothesis import settings

# A busy machine is no fault of the code: no test is judged by the clock.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio; the product uses nothing else."""
    return "asyncio"
