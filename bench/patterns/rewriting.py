"""The same program in other words, made by machine:

another layout, other names for what is imported, other names for parameters.
"""

import ast
import re
from collections.abc import Callable
from typing import Final, TypeAlias

from bench.patterns.cases import Project

Rewrite: TypeAlias = Callable[[Project], Project]
# What gets another name where it is imported.
RENAMED: Final = ("Depends", "Guard", "APIRouter", "HTTPException", "Annotated", "text", "CircuitBreaker", "Query", "Header")
LOCALS: Final = {
    "call": "passage",
    "store": "shelf_store",
    "client": "http_client_",
    "redis": "redis_",
    "db": "db_session",
    "user": "current_user_",
}


def as_it_is(project: Project) -> Project:
    return project


def laid_out_anew(project: Project) -> Project:
    """As Python writes it: no comments, its own line breaks and quotes."""
    return {name: ast.unparse(ast.parse(text)) + "\n" for name, text in project.items()}


def renamed_imports(project: Project) -> Project:
    """`from fastapi import Depends as _Depends`."""
    return {name: _renamed(text) for name, text in project.items()}


def renamed_locals(project: Project) -> Project:
    """Parameters under other names, in files that hold routes."""
    return {name: _with_locals(text) if "router" in text and "routers/" in name else text for name, text in project.items()}


def whole_modules(project: Project) -> Project:
    """`import fastapi` and `fastapi.Depends`, in the place of `from fastapi import Depends`."""
    return {name: _with_module(text, "fastapi") for name, text in project.items()}


REWRITES: Final[dict[str, Rewrite]] = {
    "as it is": as_it_is,
    "laid out anew": laid_out_anew,
    "renamed imports": renamed_imports,
    "renamed locals": renamed_locals,
    "whole modules": whole_modules,
}


class _Imports(ast.NodeTransformer):
    def __init__(self) -> None:
        self.renamed: dict[str, str] = {}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        for alias in node.names:
            if alias.asname is None and alias.name in RENAMED:
                alias.asname = self.renamed[alias.name] = f"the_{alias.name}"
        return node


class _Names(ast.NodeTransformer):
    def __init__(self, names: dict[str, ast.expr]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return (
            ast.copy_location(self._names[node.id], node) if node.id in self._names and isinstance(node.ctx, ast.Load) else node
        )


def _renamed(text: str) -> str:
    tree = ast.parse(text)
    imports = _Imports()
    tree = imports.visit(tree)
    names: dict[str, ast.expr] = {old: ast.Name(new, ast.Load()) for old, new in imports.renamed.items()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "[" in node.value:  # an annotation in quotes
            node.value = re.sub(r"\w+", lambda found: imports.renamed.get(found[0], found[0]), node.value)
    return ast.unparse(_Names(names).visit(tree)) + "\n"


def _with_module(text: str, module: str) -> str:
    tree = ast.parse(text)
    names: dict[str, ast.expr] = {}
    body: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == module and not node.level:
            names |= {
                alias.asname or alias.name: ast.Attribute(ast.Name(module, ast.Load()), alias.name, ast.Load())
                for alias in node.names
            }
            body.append(ast.Import([ast.alias(module)]))
        else:
            body.append(node)
    tree.body = body
    return ast.unparse(ast.fix_missing_locations(_Names(names).visit(tree))) + "\n"


def _with_locals(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.arg in LOCALS:
            node.arg = LOCALS[node.arg]
        elif isinstance(node, ast.Name) and node.id in LOCALS:
            node.id = LOCALS[node.id]
        elif (
            isinstance(node, ast.Attribute)
            and node.attr in LOCALS
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            node.attr = LOCALS[node.attr]
    return re.sub(r"\n{3,}", "\n\n", ast.unparse(tree)) + "\n"
