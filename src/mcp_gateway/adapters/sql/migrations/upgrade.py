"""Brings a store to today's tables, step by step, each step once. Runs inside the transaction of whoever calls.

Alembic keeps the steps and where a store stands (`alembic_version`). Not its global `op`: two stores may be opened at once.
"""

from pathlib import Path
from typing import Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

_FOLDER: Final = str(Path(__file__).parent)
# Where stores stand that the releases before numbered steps made; they are known by this table.
_BEFORE_STEPS: Final = "schema_version"
_FIRST_STEP: Final = "0001"


def upgrade(connection: Connection) -> bool:
    """Carry out what is missing; False when this store is at a step that this program does not know."""
    steps = ScriptDirectory(_FOLDER)
    context = MigrationContext.configure(connection)
    if context.get_current_revision() is None and inspect(connection).has_table(_BEFORE_STEPS):
        context.stamp(steps, _FIRST_STEP)
        connection.execute(text(f"DROP TABLE {_BEFORE_STEPS}"))
    current = context.get_current_revision()
    if current is not None and current not in {step.revision for step in steps.walk_revisions()}:
        return False
    for step in reversed(list(steps.iterate_revisions("head", current or "base"))):
        step.module.upgrade(Operations(context))
        context.stamp(steps, step.revision)
    return True
