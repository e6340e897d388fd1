"""A provider's web site for each test, and one key that is slow to make."""

from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from tests.unit.adapters.oidc.site import Site, new_key, open_site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as site:
        yield site


@pytest.fixture(scope="session")
def rsa_key() -> RSAPrivateKey:
    return new_key()
