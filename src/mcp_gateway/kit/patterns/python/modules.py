"""Modules of the checked project and the scopes in them: which name is bound where, and to what."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, TypeAlias

from mcp_gateway.kit.patterns.python.source import Source, Unparsable, parse, read
from mcp_gateway.kit.patterns.python.trees import parents, walk

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
Holder: TypeAlias = "ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda"
HOLDERS: Final = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_BLOCKS: Final = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match,
)  # fmt: skip
MAX_ANCESTORS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """How a name comes to its value.

    `value`: the expression bound, iterated over (`item`) or entered (`context`); `index`: which part of it, for `a, b = …`.
    `dotted`: what is imported, with leading dots as written; `member` None binds the module itself.
    """

    kind: Literal["import", "function", "class", "value", "parameter", "item", "context", "error"]
    node: ast.AST
    value: ast.expr | None = None
    annotation: ast.expr | None = None
    dotted: str = ""
    member: str | None = None
    index: int | None = None


class Scope:
    """A module, class, function or lambda, and the names bound in it."""

    __slots__ = ("_bindings", "module", "node", "parent")

    def __init__(self, module: "Module", node: Holder, parent: "Scope | None") -> None:
        self.module, self.node, self.parent = module, node, parent
        self._bindings: dict[str, list[Binding]] | None = None

    @property
    def bindings(self) -> dict[str, list[Binding]]:
        if self._bindings is None:
            self._bindings = {}
            for name, binding in _bound(self.node, walrus=self.module.has_walrus):
                self._bindings.setdefault(name, []).append(binding)
        return self._bindings

    def lookup(self, name: str) -> "tuple[Scope, list[Binding]] | None":
        """The scope that binds the name and its bindings, as Python looks: not through classes from inside their functions."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.bindings.get(name)
            if found and (scope is self or not isinstance(scope.node, ast.ClassDef)):
                return scope, found
            scope = scope.parent
        return None


class Module:
    """One parsed file."""

    def __init__(self, source: Source) -> None:
        self.source, self.path, self.tree = source, source.path, source.tree
        self.has_walrus = ":=" in source.text
        self._scopes: dict[ast.AST, Scope] = {}
        self._around: dict[ast.AST, Scope] = {}
        self.scope = self._scopes[self.tree] = Scope(self, self.tree, None)

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return parents(self.tree)

    def scope_of(self, holder: ast.AST) -> Scope:
        """The scope a function, class or lambda opens."""
        known = self._scopes.get(holder)
        if known is None:
            assert isinstance(holder, HOLDERS)  # noqa: S101  (only those open scopes)
            known = self._scopes[holder] = Scope(self, holder, self.around(holder))
        return known

    def around(self, node: ast.AST) -> Scope:
        """The scope a node stands in; decorators, defaults and annotations stand outside of their function."""
        known = self._around.get(node)
        if known is None:
            child, parent = node, self.parents.get(node)
            while parent is not None and not (isinstance(parent, HOLDERS) and _is_inside(parent, child)):
                child, parent = parent, self.parents.get(parent)
            known = self._around[node] = self.scope_of(parent) if parent is not None else self.scope
        return known

    def enclosing_class(self, node: ast.AST) -> ast.ClassDef | None:
        """The class a method is defined in."""
        parent = self.parents.get(node)
        return parent if isinstance(parent, ast.ClassDef) else None


class Project:
    """The modules of a project, read when they are first needed. Imports are followed below `root` alone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._modules: dict[Path, Module | None] = {}
        self._found: dict[tuple[Path, str], Path | None] = {}
        self._imported: dict[tuple[Module, str], Module | None] = {}
        self._listed: dict[str, frozenset[str]] = {}

    def module(self, path: Path) -> Module | None:
        """None when it cannot be read."""
        if path not in self._modules:
            try:
                self._modules[path] = Module(parse(path, read(path)))
            except Unparsable:
                self._modules[path] = None
        return self._modules[path]

    def add(self, source: Source) -> Module:
        module = self._modules[source.path] = Module(source)
        return module

    def imported(self, dotted: str, importer: Module) -> Module | None:
        """The project's module of that name as `importer` would import it; None for what is not the project's."""
        key = (importer, dotted)
        if key not in self._imported:
            path = self._locate(dotted, importer.path.parent)
            self._imported[key] = self.module(path) if path is not None else None
        return self._imported[key]

    def named(self, dotted: str) -> Module | None:
        """The project's module of that name as a program started in its folder would import it."""
        path = self._locate(dotted, self.root)
        return self.module(path) if path is not None else None

    def _locate(self, dotted: str, folder: Path) -> Path | None:
        key = (folder, dotted)
        if key not in self._found:
            self._found[key] = self._search(dotted, folder)
        return self._found[key]

    def _search(self, dotted: str, folder: Path) -> Path | None:
        name = dotted.lstrip(".")
        dots = len(dotted) - len(name)
        parts = name.split(".") if name else []
        if dots:
            for _ in range(dots - 1):
                folder = folder.parent
            return self._file(str(folder), parts) if folder.is_relative_to(self.root) else None
        for _ in range(MAX_ANCESTORS):
            if not folder.is_relative_to(self.root):
                return None
            found = self._file(str(folder), parts) or self._file(f"{folder}/src", parts)
            if found is not None:
                return found
            folder = folder.parent
        return None

    def _file(self, folder: str, parts: list[str]) -> Path | None:
        """The file of a module below a folder, its package before the file of the same name."""
        for index, part in enumerate(parts):
            if not part.isidentifier():
                return None
            listed = self._listing(folder)
            if part not in listed or (index == len(parts) - 1 and "__init__.py" not in self._listing(f"{folder}/{part}")):
                return Path(folder, f"{part}.py") if index == len(parts) - 1 and f"{part}.py" in listed else None
            folder = f"{folder}/{part}"
        return Path(folder, "__init__.py") if "__init__.py" in self._listing(folder) else None

    def _listing(self, folder: str) -> frozenset[str]:
        """The names in a folder, looked up once; none in what is no folder or cannot be read."""
        if folder not in self._listed:
            try:
                self._listed[folder] = frozenset(os.listdir(folder))  # noqa: PTH208  (names, of thousands of folders)
            except OSError:
                self._listed[folder] = frozenset()
        return self._listed[folder]


def _is_inside(holder: ast.AST, child: ast.AST) -> bool:
    if isinstance(holder, ast.Lambda):
        return child is holder.body
    return isinstance(child, ast.stmt)


def _bound(holder: Holder, *, walrus: bool) -> Iterator[tuple[str, Binding]]:
    if isinstance(holder, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef):
        for one in all_parameters(holder.args):
            yield one.arg, Binding(kind="parameter", node=one, annotation=one.annotation)
    if not isinstance(holder, ast.Lambda):
        yield from _in_statements(holder.body, walrus=walrus)


def all_parameters(arguments: ast.arguments) -> list[ast.arg]:
    """In the order they are written."""
    rest = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest]


def default_of(arguments: ast.arguments, name: str) -> ast.expr | None:
    """The default of a parameter; None when it has none."""
    positional = [*arguments.posonlyargs, *arguments.args]
    for one, value in zip(reversed(positional), reversed(arguments.defaults), strict=False):
        if one.arg == name:
            return value
    return next((value for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if one.arg == name), None)


def _in_statements(statements: list[ast.stmt], *, walrus: bool) -> Iterator[tuple[str, Binding]]:
    for statement in statements:
        yield from _in_statement(statement)
        for node in _walruses(statement) if walrus else ():
            yield node.target.id, Binding(kind="value", node=node, value=node.value)
        if not isinstance(statement, _BLOCKS):
            continue
        for block in ("body", "orelse", "finalbody"):
            yield from _in_statements(getattr(statement, block, []), walrus=walrus)
        for handler in getattr(statement, "handlers", ()):
            if handler.name:
                yield handler.name, Binding(kind="error", node=handler, annotation=handler.type)
            yield from _in_statements(handler.body, walrus=walrus)
        for case in getattr(statement, "cases", ()):
            yield from _in_statements(case.body, walrus=walrus)


def _in_statement(statement: ast.stmt) -> Iterator[tuple[str, Binding]]:  # noqa: C901  (one branch for each way to bind)
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield statement.name, Binding(kind="function", node=statement)
        case ast.ClassDef():
            yield statement.name, Binding(kind="class", node=statement)
        case ast.Import():
            for alias in statement.names:
                name = alias.asname or alias.name.partition(".")[0]
                dotted = alias.name if alias.asname else name
                yield name, Binding(kind="import", node=statement, dotted=dotted)
        case ast.ImportFrom():
            dotted = "." * statement.level + (statement.module or "")
            for alias in statement.names:
                yield alias.asname or alias.name, Binding(kind="import", node=statement, dotted=dotted, member=alias.name)
        case ast.Assign():
            for target in statement.targets:
                yield from _targets(target, "value", statement, statement.value)
        case ast.AnnAssign():
            if isinstance(statement.target, ast.Name):
                bound = Binding(kind="value", node=statement, value=statement.value, annotation=statement.annotation)
                yield statement.target.id, bound
        case ast.For() | ast.AsyncFor():
            yield from _targets(statement.target, "item", statement, statement.iter)
        case ast.With() | ast.AsyncWith():
            for item in statement.items:
                if item.optional_vars is not None:
                    yield from _targets(item.optional_vars, "context", statement, item.context_expr)


def _walruses(statement: ast.stmt) -> Iterator[ast.NamedExpr]:
    test = getattr(statement, "test", None) or getattr(statement, "value", None)
    if isinstance(test, ast.expr):
        yield from (node for node in walk(test) if isinstance(node, ast.NamedExpr))


def _targets(
    target: ast.expr, kind: Literal["value", "item", "context"], node: ast.AST, value: ast.expr
) -> Iterator[tuple[str, Binding]]:
    if isinstance(target, ast.Name):
        yield target.id, Binding(kind=kind, node=node, value=value)
    elif isinstance(target, ast.Tuple | ast.List):
        for index, one in enumerate(target.elts):
            if isinstance(one, ast.Name):
                yield one.id, Binding(kind=kind, node=node, value=value, index=index)
