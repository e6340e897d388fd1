"""Which web pages may call the gateway with a user's credentials is a list, not everybody."""

import ast
from collections.abc import Iterator

from mcp_gateway.kit.patterns.model import RuleCard, Severity
from mcp_gateway.kit.patterns.python.expressions import words
from mcp_gateway.kit.patterns.python.modules import Scope
from mcp_gateway.kit.patterns.python.names import Symbol
from mcp_gateway.kit.patterns.python.trees import calls
from mcp_gateway.kit.patterns.study import Hit, Rule, Study

OPEN = RuleCard(
    name="cors-open",
    pattern="security",
    level="basic",
    severity=Severity.HIGH,
    title="Any page may call with a user's credentials",
    reason="With every origin allowed and credentials on, any page a user opens acts in the user's name.",
    remedy='List the origins: `allow_origins=["https://app.example.com"]`; or leave `allow_credentials` off.',
    bad="""\
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
app.include_router(router)
app.include_router(health_router({"cache": cache.ping}))
""",
    good="""\
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["https://app.example.com"], allow_credentials=True)
app.include_router(router)
app.include_router(health_router({"cache": cache.ping}))
""",
)


def _open(study: Study) -> Iterator[Hit]:
    """As the imported application has it, where this module makes it; else as the code says."""
    live, made = study.order.live, study.world.live_call
    shown = list(_shown(study))
    if live is None or made not in study.module.parents:
        yield from shown
    elif live.open_to_all:
        yield from shown or [Hit(node=made, message="every origin is allowed, with credentials")]


def _shown(study: Study) -> Iterator[Hit]:
    for node in calls(study.module.tree):
        if _is_cors(node, study):
            given = _options(node, study)
            origins, pattern, credentials = (
                given.get("allow_origins"),
                given.get("allow_origin_regex"),
                given.get("allow_credentials"),
            )
            anybody = (origins is not None and _has_star(origins, study)) or (
                pattern is not None and _matches_all(pattern, study)
            )
            if anybody and credentials is not None and _is_true(credentials, study):
                yield Hit(node=node, message="every origin is allowed, with credentials")


def _is_cors(node: ast.Call, study: Study) -> bool:
    named = [node.func, *node.args[:1]]
    for one in named:
        if words(one) != "?":
            symbol = study.names.resolve(one, study.module.around(node))
            if symbol.last == "CORSMiddleware" or any(base.last == "CORSMiddleware" for base in _bases(study, symbol)):
                return True
    return False


def _bases(study: Study, symbol: Symbol) -> list[Symbol]:
    return list(study.names.bases(symbol)) if symbol.kind == "class" else []


def _options(node: ast.Call, study: Study) -> dict[str, "_Value"]:
    scope = study.module.around(node)
    given: dict[str, _Value] = {}
    for word in node.keywords:
        if word.arg is not None:
            given[word.arg] = (word.value, scope)
            continue
        symbol = study.names.resolve(word.value, scope)
        made = word.value if isinstance(word.value, ast.Dict) else symbol.node
        where = symbol.scope or scope
        if isinstance(made, ast.Dict):
            given |= {
                str(key.value): (value, where)
                for key, value in zip(made.keys, made.values, strict=True)
                if isinstance(key, ast.Constant)
            }
        elif isinstance(made, ast.Call) and words(made.func) == "dict":
            given |= {inner.arg: (inner.value, where) for inner in made.keywords if inner.arg}
    return given


_Value = tuple[ast.expr, Scope]


def _plain(value: _Value, study: Study) -> ast.expr:
    node, scope = value
    for _ in range(4):
        if isinstance(node, ast.Name | ast.Attribute):
            symbol = study.names.resolve(node, scope)
            if (
                symbol.kind == "value"
                and isinstance(symbol.node, ast.expr)
                and symbol.scope is not None
                and symbol.node is not node
            ):
                node, scope = symbol.node, symbol.scope
                continue
        break
    return node


def _has_star(value: _Value, study: Study) -> bool:
    node = _plain(value, study)
    parts = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]
    if isinstance(node, ast.Call) and words(node.func) in ("list", "tuple", "set") and node.args:
        parts = [node.args[0]]
    if isinstance(node, ast.BinOp):
        return _has_star((node.left, value[1]), study) or _has_star((node.right, value[1]), study)
    found = [_plain((one.value if isinstance(one, ast.Starred) else one, value[1]), study) for one in parts]
    return any(isinstance(one, ast.Constant) and one.value == "*" for one in found) or any(
        isinstance(one, ast.List | ast.Tuple) and _has_star((one, value[1]), study) for one in found
    )


def _matches_all(value: _Value, study: Study) -> bool:
    node = _plain(value, study)
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.strip("^$()") in (".*", ".+", "https?://.*", "http.*", "https://.*", "https?://.+")
    )


def _is_true(value: _Value, study: Study) -> bool:
    node = _plain(value, study)
    return isinstance(node, ast.Constant) and bool(node.value)


RULES = (Rule(card=OPEN, check=_open),)
