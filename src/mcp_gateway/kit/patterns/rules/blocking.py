"""Nothing in an async handler keeps the event loop from the others; nothing started is forgotten."""

import ast
from collections.abc import Iterator
from typing import Final

from mcp_gateway.kit.patterns.facts.reach import Reached
from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import FUNCTIONS
from mcp_gateway.kit.patterns.python.names import Names
from mcp_gateway.kit.patterns.python.trees import calls, walk
from mcp_gateway.kit.patterns.study import Hit, Rule, Study

BLOCKING: Final = {
    "time.sleep", "urllib.request.urlopen", "subprocess.run", "subprocess.call", "subprocess.check_output",
    "subprocess.check_call",
    "subprocess.getoutput", "os.system", "os.popen", "os.wait", "socket.create_connection", "socket.getaddrinfo",
    "socket.gethostbyname",
    "sqlite3.connect", "psycopg2.connect", "psycopg.connect", "pymysql.connect", "MySQLdb.connect", "builtins.open",
    "builtins.input", "io.open",
    "smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP", "shutil.copyfile", "shutil.copytree", "shutil.rmtree", "asyncio.run",
    "boto3.client",
    "pathlib.Path.read_text", "pathlib.Path.read_bytes", "pathlib.Path.write_text", "pathlib.Path.write_bytes",
    "pathlib.Path.open",
    "requests.session",
}  # fmt: skip
BLOCKING_OWNERS: Final = (
    "requests.", "requests.Session.", "httpx.Client.", "redis.Redis.", "redis.StrictRedis.", "redis.client.Redis.",
    "pymongo.MongoClient.",
    "sqlite3.Connection.", "psycopg2.Connection.", "psycopg.Connection.", "sqlalchemy.Engine.", "sqlalchemy.orm.Session.",
    "boto3.Client.",
    "urllib3.PoolManager.",
)  # fmt: skip
ONE_SHOT: Final = {f"httpx.{verb}" for verb in ("get", "post", "put", "patch", "delete", "head", "options", "request", "stream")}
HARMLESS: Final = (
    "requests.exceptions.", "requests.codes", "requests.Request", "requests.auth.", "sqlalchemy.Engine.execution_options",
)  # fmt: skip
ELSEWHERE: Final = {
    "to_thread",
    "run_in_executor",
    "run_in_threadpool",
    "run_sync",
    "submit",
    "start_soon",
    "add_task",
    "run_in_process",
}

BLOCKED = RuleCard(
    name="blocking-in-async",
    pattern="resilience",
    level="basic",
    severity=Severity.HIGH,
    title="A blocking call in an async handler",
    reason="While it waits, no other request of this process goes on, whoever sent it.",
    remedy="Use the asynchronous client, or hand the call to `asyncio.to_thread`; a handler that must block is a plain `def`.",
    bad="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    time.sleep(0.1)
    return await items.read(item, tenant=call.tenant)
""",
    good="""\
@router.get("/items/{item}")
async def read_item(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.read"))]) -> Item:
    await asyncio.sleep(0.1)
    return await items.read(item, tenant=call.tenant)
""",
    fixable=True,
)
FORGOTTEN = RuleCard(
    name="task-forgotten",
    pattern="resilience",
    level="comprehensive",
    severity=Severity.MEDIUM,
    title="A task is started and forgotten",
    reason="The loop holds a task by a weak reference: it may vanish half done, and its error is never seen.",
    remedy="Await it, keep it in an `asyncio.TaskGroup`, or use `BackgroundTasks`.",
    bad="""\
@router.post("/items/{item}/visits", status_code=202)
async def visit(item: str, items: Items, call: Annotated[Call, Depends(Guard("items.visit", idempotency="optional"))]) -> None:
    asyncio.create_task(items.count(item, tenant=call.tenant))
""",
    good="""\
@router.post("/items/{item}/visits", status_code=202)
async def visit(
    item: str, items: Items, tasks: BackgroundTasks, call: Annotated[Call, Depends(Guard("items.visit", idempotency="optional"))]
) -> None:
    tasks.add_task(items.count, item, tenant=call.tenant)
""",
)


def _blocked(study: Study) -> Iterator[Hit]:
    for route in study.routes:
        if isinstance(route.function, ast.AsyncFunctionDef):
            for one in study.reached(route, _blocks):
                yield Hit(
                    node=one.site,
                    route=route,
                    message=f"{words(one.call.func)} blocks the event loop in {route.name}",
                    mend=_mend(study, one),
                )
        for dependency, found in study.bodies(route, _blocks):
            if isinstance(dependency.target.body, ast.AsyncFunctionDef):
                place = dependency.place if dependency.place in study.module.parents else route.place
                for one in found:
                    site = one.site if one.site in study.module.parents else place
                    yield Hit(node=site, route=route, message=f"{words(one.call.func)} blocks the event loop before {route.name}")


def _mend(study: Study, one: Reached) -> str:
    """A statement of its own in an `async def`; not one in a plain function inside of it."""
    if one.symbol.dotted != "time.sleep" or not one.is_direct:
        return ""
    statement = study.module.parents.get(one.call)
    inside = isinstance(statement, ast.Expr) and isinstance(study.module.around(statement).node, ast.AsyncFunctionDef)
    return "async_sleep" if inside else ""


def _blocks(one: Reached, _: Names) -> bool:
    dotted = one.symbol.dotted
    if one.symbol.kind != "external" or dotted.startswith(HARMLESS):
        return False
    if not (dotted in BLOCKING or dotted in ONE_SHOT or dotted.startswith(BLOCKING_OWNERS)):
        return False
    if dotted.rpartition(".")[2][:1].isupper() and dotted not in BLOCKING:
        return False
    if isinstance(one.scope.module.parents.get(one.call), ast.Await):
        return False
    return not any(
        isinstance(around.node, ast.Call) and words(around.node.func).rpartition(".")[2] in ELSEWHERE for around in one.around
    )


def _forgotten(study: Study) -> Iterator[Hit]:
    routes = study.by_function
    for node in calls(study.module.tree):
        if words(node.func).rpartition(".")[2] not in ("create_task", "ensure_future"):
            continue
        symbol = study.names.callee(node, study.module.around(node))
        group = symbol.kind == "unknown" and not words(node.func).startswith(("asyncio.", "loop."))
        if group or "TaskGroup" in symbol.dotted:
            continue
        parent = study.module.parents.get(node)
        holder = _function(study, node)
        if isinstance(parent, ast.Expr) or (isinstance(parent, ast.Assign) and _never_read(parent, holder)):
            yield Hit(node=node, route=routes.get(holder), message="this task is started and nobody keeps it")


def _function(study: Study, node: ast.AST) -> ast.AST | None:
    parent = study.module.parents.get(node)
    while parent is not None and not isinstance(parent, FUNCTIONS):
        parent = study.module.parents.get(parent)
    return parent


def _never_read(statement: ast.Assign, holder: ast.AST | None) -> bool:
    target = statement.targets[0]
    if not isinstance(target, ast.Name) or holder is None:
        return False
    return not any(isinstance(one, ast.Name) and one.id == target.id and isinstance(one.ctx, ast.Load) for one in walk(holder))


RULES = (Rule(card=BLOCKED, check=_blocked), Rule(card=FORGOTTEN, check=_forgotten))
