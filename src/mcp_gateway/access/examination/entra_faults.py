"""The faults of Microsoft Entra ID that people who set up a gateway run into, by their AADSTS number."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mcp_gateway.access.examination.step import Place


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownFault:
    number: str
    meaning: str
    change: str
    where: Place = "provider"


_NUMBER: Final = re.compile(r"AADSTS(\d{4,8})", re.ASCII | re.IGNORECASE)


def known_fault(text: str) -> KnownFault | None:
    """The first fault named in the text that is known here; None when there is none."""
    numbers = (found[1] for found in _NUMBER.finditer(text[:10_000]))
    return next((KNOWN[number] for number in numbers if number in KNOWN), None)


def _table(*faults: KnownFault) -> Mapping[str, KnownFault]:
    return {fault.number: fault for fault in faults}


KNOWN: Final = _table(
    KnownFault(
        number="9010010",
        meaning="The request's `resource`, with MCP clients the gateway's URL, does not belong to the scopes it asks for.",
        change="In the app registration, Expose an API: make the gateway's MCP URL an Application ID URI, so that resource and "
        "scopes are of one application; let clients ask for scopes that begin with that URI.",
    ),
    KnownFault(
        number="650053",
        meaning="A scope without its application's prefix is looked for at Microsoft Graph, which does not have it.",
        change="Ask for the whole scope, api://CLIENT-ID/gateway.ask, not gateway.ask; `openid`, `profile` and `offline_access` "
        "alone have no prefix.",
        where="client",
    ),
    KnownFault(
        number="500011",
        meaning="The directory has no application with the Application ID URI that was asked for.",
        change="Compare the resource with Expose an API, Application ID URI; in another directory, consent to the application "
        "first so that it exists there.",
    ),
    KnownFault(
        number="50011",
        meaning="The redirect URI of the request is not registered.",
        change="Authentication, Add a platform, Web: add the exact address, with its scheme, port and path.",
    ),
    KnownFault(
        number="65001",
        meaning="Nobody has consented to what the application asks for.",
        change="API permissions: grant admin consent, or let the client be pre-authorised under Expose an API.",
    ),
    KnownFault(
        number="65002",
        meaning="An application of Microsoft's asks for a permission of yours that it was not pre-authorised for.",
        change="Expose an API, Authorized client applications: add that client's id with the scopes.",
    ),
    KnownFault(
        number="700016",
        meaning="The directory does not know the client's id.",
        change="Compare client_id with Overview, Application (client) ID, and the directory with that of the issuer.",
        where="access file",
    ),
    KnownFault(
        number="7000215",
        meaning="The client secret is not right; often its id was copied in place of its value.",
        change="Certificates & secrets: make a new one and copy the column Value.",
        where="access file",
    ),
    KnownFault(
        number="7000222",
        meaning="The client secret has expired.",
        change="Certificates & secrets: make a new one, and put it where client_secret comes from.",
    ),
    KnownFault(
        number="90002",
        meaning="There is no such directory.",
        change="Compare the GUID of the issuer with Overview, Directory (tenant) ID, and the cloud (.com, .us, .cn).",
        where="access file",
    ),
    KnownFault(
        number="50105",
        meaning="The person has no role in the application, and only those who have are let in.",
        change="Enterprise applications, Users and groups: assign the person, or switch off Assignment required.",
    ),
    KnownFault(
        number="50020",
        meaning="The person is of another directory than the application lets in.",
        change="Invite the person as a guest, or register the application for several directories.",
    ),
    KnownFault(
        number="70011",
        meaning="A scope of the request is not valid for the application.",
        change="Ask for scopes that stand under Expose an API, all of one application.",
        where="client",
    ),
)
