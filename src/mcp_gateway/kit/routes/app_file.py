"""The application's file: a router's import and its `include_router`, put in and taken out through the syntax tree.

Everything else stays as it is, to the byte. Doing it twice changes nothing. LibCST is loaded with this module.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import libcst as cst

from mcp_gateway.kit.routes.errors import ApplicationUnclear
from mcp_gateway.kit.tame import is_tame

Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement


@contextmanager
def _not_too_deep() -> Iterator[None]:
    try:
        yield
    except RecursionError as error:
        raise ApplicationUnclear("The application's file is nested too deeply.") from error


@_not_too_deep()
def with_router(source: str, module: str, alias: str) -> str:
    """`from <module> import router as <alias>` and `<app>.include_router(<alias>)`, each where it is not there yet.

    The call stands behind the last one of its kind, or behind what installs the kit, or where the application is made; in a
    function too, when it is made there. Raises `ApplicationUnclear`.
    """
    tree = _parsed(source)
    known = _imported_as(tree, module)
    if known is None:
        tree = tree.with_changes(body=_with_import(tree.body, module, alias))
    name = known or alias
    if _includes(tree, name):
        return tree.code
    adding = _Adding(name)
    changed = tree.visit(adding)
    if not adding.done:
        raise ApplicationUnclear
    return changed.code


@_not_too_deep()
def without_router(source: str, module: str) -> str:
    """Without both lines; as it is where they are not."""
    tree = _parsed(source)
    name = _imported_as(tree, module)
    if name is None:
        return source
    return tree.with_changes(body=_without_import(tree.body, module)).visit(_Removing(name)).code


@_not_too_deep()
def served_as(source: str) -> str:
    """What a server is told behind the module's name: the application's, or who makes it. Raises `ApplicationUnclear`."""
    body = _parsed(source).body
    name = _place(body)[1]
    if name is not None:
        return name
    for one in body:
        if isinstance(one, cst.FunctionDef) and isinstance(one.body, cst.IndentedBlock) and _place(one.body.body)[1]:
            return f"{one.name.value} --factory"
    return "app"


def _parsed(source: str) -> cst.Module:
    if not is_tame(source):
        raise ApplicationUnclear("The application's file is nested too deeply, has too long a statement, or is no Python.")
    try:
        return cst.parse_module(source)
    except cst.ParserSyntaxError as error:
        raise ApplicationUnclear("The application's file is no Python that can be read.") from error


def _with_import(body: Sequence[Statement], module: str, alias: str) -> list[Statement]:
    """Sorted among the imports of its own package, else as a block of its own behind the last import of the file's head."""
    line = cst.parse_statement(f"from {module} import router as {alias}")
    if not isinstance(line, cst.SimpleStatementLine):
        raise ApplicationUnclear
    package = module.partition(".")[0]
    at, gap = 0, True
    for number, statement in enumerate(body):
        one = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
        if isinstance(one, cst.ImportFrom) and not one.relative and (_dotted(one.module) or "").partition(".")[0] == package:
            if (_dotted(one.module) or "") > module:
                return [*body[:number], *_before(line, statement), *body[number + 1 :]]
            at, gap = number + 1, False
        elif isinstance(one, cst.Import | cst.ImportFrom):
            at, gap = number + 1, True
        elif number == 0 and isinstance(one, cst.Expr):
            at = 1
    return [*body[:at], line.with_changes(leading_lines=[cst.EmptyLine(indent=False)]) if gap else line, *body[at:]]


def _without_import(body: Sequence[Statement], module: str) -> list[Statement]:
    """The blank lines and comments before it stay, before what follows."""
    left: list[Statement] = []
    lines: Sequence[cst.EmptyLine] = ()
    for statement in body:
        one = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
        names = one.names if isinstance(one, cst.ImportFrom) and _dotted(one.module) == module else ()
        if not isinstance(names, cst.ImportStar) and len(names) == 1:
            lines = statement.leading_lines
            continue
        follows = isinstance(one, cst.Import | cst.ImportFrom) and not statement.leading_lines
        left.append(statement.with_changes(leading_lines=lines) if lines and follows else statement)
        lines = ()
    return left


def _before(line: cst.SimpleStatementLine, other: Statement) -> tuple[Statement, Statement]:
    """With the blank lines and comments that stood before the other."""
    return line.with_changes(leading_lines=other.leading_lines), other.with_changes(leading_lines=[])


def _imported_as(tree: cst.Module, module: str) -> str | None:
    """The name that `router` of this module has in the file."""
    for statement in tree.body:
        for one in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if isinstance(one, cst.ImportFrom) and _dotted(one.module) == module and not isinstance(one.names, cst.ImportStar):
                for found in one.names:
                    if found.evaluated_name == "router":
                        return found.evaluated_alias or "router"
    return None


def _includes(tree: cst.Module, name: str) -> bool:
    looking = _Looking(name)
    tree.visit(looking)
    return looking.found


class _Looking(cst.CSTVisitor):
    def __init__(self, name: str) -> None:
        self.name, self.found = name, False

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802  (LibCST finds it by this name)
        if _is_including(node) and node.args and _dotted(node.args[0].value) == self.name:
            self.found = True


class _Adding(cst.CSTTransformer):
    """Puts the call into the first body that has a place for it, inner bodies first."""

    def __init__(self, name: str) -> None:
        self.name, self.done = name, False

    def leave_IndentedBlock(  # noqa: N802
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        return updated_node.with_changes(body=self._with_call(updated_node.body))

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:  # noqa: N802
        return updated_node.with_changes(body=self._with_call(updated_node.body))

    def _with_call(self, body: Sequence[cst.BaseStatement]) -> Sequence[cst.BaseStatement]:
        at, app = _place(body)
        if self.done or app is None:
            return body
        self.done = True
        return [*body[: at + 1], cst.parse_statement(f"{app}.include_router({self.name})"), *body[at + 1 :]]


class _Removing(cst.CSTTransformer):
    def __init__(self, name: str) -> None:
        self.name = name

    def leave_SimpleStatementLine(  # noqa: N802
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.RemovalSentinel:
        one = updated_node.body[0]
        called = one.value if isinstance(one, cst.Expr) and len(updated_node.body) == 1 else None
        if isinstance(called, cst.Call) and _is_including(called) and called.args and _dotted(called.args[0].value) == self.name:
            return cst.RemoveFromParent()
        return updated_node


def _place(body: Sequence[cst.BaseStatement]) -> tuple[int, str | None]:
    """Behind which statement of this body, and what the application is called there."""
    made, at = None, -1
    for number, statement in enumerate(body):
        for one in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            name = _application(one)
            if name is not None:
                if made is not None and name != made:
                    raise ApplicationUnclear("Several applications are made here.")
                made, at = name, number
            elif made is not None and _speaks_of(one, made):
                at = number
    return at, made


def _application(one: cst.BaseSmallStatement) -> str | None:
    """What `FastAPI(...)` is assigned to."""
    if isinstance(one, cst.Assign) and len(one.targets) == 1:
        target: cst.BaseExpression = one.targets[0].target
    elif isinstance(one, cst.AnnAssign):
        target = one.target
    else:
        return None
    value = one.value
    made = isinstance(value, cst.Call) and (_dotted(value.func) or "").rpartition(".")[2] == "FastAPI"
    return target.value if made and isinstance(target, cst.Name) else None


def _speaks_of(one: cst.BaseSmallStatement, app: str) -> bool:
    """`<app>.include_router(...)`, or `install(<app>, ...)` of whatever."""
    called = one.value if isinstance(one, cst.Expr) else None
    if not isinstance(called, cst.Call):
        return False
    if _is_including(called):
        return True
    last = (_dotted(called.func) or "").rpartition(".")[2]
    return last == "install" and bool(called.args) and _dotted(called.args[0].value) == app


def _is_including(call: cst.Call) -> bool:
    return isinstance(call.func, cst.Attribute) and call.func.attr.value == "include_router"


def _dotted(node: cst.BaseExpression | None) -> str | None:
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        before = _dotted(node.value)
        return None if before is None else f"{before}.{node.attr.value}"
    return None
