"""What was written down about access: the file, or the few settings that say as much as its simplest form."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import yaml

from mcp_gateway.access.configuration.file import AccessConfiguration, AccessFile, read_access
from mcp_gateway.access.policy.roles import BUILT_IN_ROLES
from mcp_gateway.settings import InvalidSettings, Settings, process_environment

ENTRA_HOST = "login.microsoftonline.com"
ONE_PROVIDER = "oidc"


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenAccess:
    """`followed` is the file whose changes count; None: there is none."""

    configuration: AccessConfiguration
    followed: AccessFile | None = None


def read_written_access(settings: Settings) -> WrittenAccess:
    """Raises `AccessFileUnreadable`, `PolicyInvalid` with every fault, and `InvalidSettings`."""
    if settings.access_file is not None:
        if settings.oidc_issuer is not None:
            raise InvalidSettings(
                "OIDC_ISSUER and ACCESS_FILE are both set.", hint="Name the provider in ACCESS_FILE and leave OIDC_ISSUER out."
            )
        file = AccessFile(settings.access_file, environment=process_environment())
        return WrittenAccess(configuration=file.load(), followed=file)
    if settings.oidc_issuer is None:
        return WrittenAccess(configuration=AccessConfiguration())
    return WrittenAccess(configuration=read_access(_one_provider(settings, settings.oidc_issuer), file="OIDC_ISSUER"))


def _one_provider(settings: Settings, issuer: str) -> str:
    """As it would stand in the file, so that the same faults are found."""
    kind = "entra" if urlsplit(issuer).hostname == ENTRA_HOST else "oidc"
    roles = {role.name: role.name for role in BUILT_IN_ROLES}
    audience = list(settings.oidc_audience)
    provider = {"name": ONE_PROVIDER, "kind": kind, "issuer": issuer, "audience": audience, "roles": roles}
    if settings.oidc_tenant is not None:
        provider["tenant"] = settings.oidc_tenant
    return yaml.safe_dump({"providers": [provider]})
