"""Tokens with which programs act for people: the person's roles, no more than their scopes, and known as a program's."""

from dataclasses import replace

import pytest
from tests.unit.access.tokens.test_desk import ADMIN, ORDER, Office

from mcp_gateway.access.errors import NotAllowed, TokenNotFound, TokenNotIssuable

pytestmark = pytest.mark.anyio

ADA = replace(ADMIN, subject="entra:ada", roles=frozenset({"analyst"}), name="Ada", attributes={"region": "EU"})
READ = frozenset({"gateway.read"})


@pytest.fixture
def office() -> Office:
    return Office()


async def test_it_says_who_it_is_for_and_which_program_has_it(office: Office) -> None:
    text, record = await office.desk.issue_to_program(ADA, scopes=READ, lifetime_seconds=600, program="Claude")
    caller = await office.authenticate(text)
    assert (caller.subject, caller.roles, caller.scopes) == (ADA.subject, ADA.roles, READ)
    assert caller.attributes == {"region": "EU"}
    assert record.issued_by == "program:Claude"
    assert await office.desk.is_of_program(caller)


@pytest.mark.parametrize("scopes", [frozenset(), frozenset({"gateway.ask"}), READ | {"gateway.ask"}])
async def test_who_is_narrowed_gives_a_program_no_other_scope_and_nobody_gives_all(
    office: Office, scopes: frozenset[str]
) -> None:
    narrowed = replace(ADA, scopes=READ)
    with pytest.raises(NotAllowed):
        await office.desk.issue_to_program(narrowed, scopes=scopes, lifetime_seconds=600, program="Claude")


async def test_who_has_no_role_gives_a_program_nothing(office: Office) -> None:
    with pytest.raises(TokenNotIssuable):
        await office.desk.issue_to_program(replace(ADA, roles=frozenset()), scopes=READ, lifetime_seconds=600, program="Claude")


async def test_a_providers_subject_is_only_for_those_who_logged_in(office: Office) -> None:
    with pytest.raises(TokenNotIssuable):
        await office.desk.issue(ADMIN, replace(ORDER, subject="entra:ada"))


async def test_only_a_programs_token_is_given_back(office: Office) -> None:
    text, _ = await office.desk.issue(ADMIN, ORDER)
    caller = await office.authenticate(text)
    assert not await office.desk.is_of_program(caller)
    with pytest.raises(TokenNotFound):
        await office.desk.give_back(caller)
