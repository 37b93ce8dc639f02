"""One class per cause: the tree that is drawn is the tree there is, and nobody tells causes apart by a word."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import osmig
from osmig.domain import errors
from osmig.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = Path(osmig.__file__).parent
LINE = re.compile(r"^    (?P<stem>(?:[│ ] )*(?:[├└] )?)(?P<name>\w+)(?:\([\w, ]*\))?(?P<told> {2,}\S.*)?$")


def read_drawing(text: str) -> list[tuple[int, str, str]]:
    """Return depth, name and explanation of each line of a tree drawn in ``text``."""
    found = [match for line in text.splitlines() if (match := LINE.match(line)) is not None]
    return [(len(match["stem"]) // 2, match["name"], (match["told"] or "").strip()) for match in found]


def read_parents(text: str) -> dict[str, str | None]:
    """Return each class that is drawn with the one above it."""
    path: list[str] = []
    parents: dict[str, str | None] = {}
    for depth, name, _ in read_drawing(text):
        del path[depth:]
        parents[name] = path[-1] if path else None
        path.append(name)
    return parents


def load_all() -> None:
    for module in pkgutil.walk_packages([str(SOURCES)], "osmig."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def walk(kind: type[OperatorError]) -> Iterator[type[OperatorError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__.startswith("osmig."):
            yield from walk(below)


def test_the_tree_that_is_drawn_is_the_tree_there_is() -> None:
    load_all()
    above = {below.__name__: kind.__name__ for kind in walk(OperatorError) for below in kind.__subclasses__()}

    assert read_parents(errors.__doc__ or "") == {"OperatorError": None, **above}


def test_all_causes_are_in_one_module() -> None:
    load_all()

    assert {kind.__module__ for kind in walk(OperatorError)} == {errors.__name__}


def parse_sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCES.rglob("*.py")):
        yield str(path.relative_to(SOURCES)), ast.parse(path.read_text(encoding="utf-8"))


def find_comparisons(tree: ast.Module) -> list[int]:
    """Return the lines that compare the ``reason`` of an error with a fixed word, a set of such, or match on it."""
    caught = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name}
    typed = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg) and _is_error_type(node)}
    names = caught | typed | {"error", "failure", "read_error", "caught"}
    compared = {node.lineno for node in ast.walk(tree) if isinstance(node, ast.Compare) and _compares(node, names)}
    matched = {node.lineno for node in ast.walk(tree) if isinstance(node, ast.Match) and _reads(node.subject, names)}
    return sorted(compared | matched)


def _is_error_type(argument: ast.arg) -> bool:
    words = set(re.findall(r"\w+", ast.unparse(argument.annotation))) if argument.annotation is not None else set()
    return bool(words & {kind.__name__ for kind in walk(OperatorError)})


def _compares(node: ast.Compare, names: set[str]) -> bool:
    sides = [node.left, *node.comparators]
    return any(_reads(side, names) for side in sides) and any(_is_fixed(side) for side in sides)


def _reads(node: ast.expr, names: set[str]) -> bool:
    """Whether it is ``error.reason``, of a name or of a field that holds an error."""
    if not isinstance(node, ast.Attribute) or node.attr != "reason":
        return False
    owner = node.value
    return (isinstance(owner, ast.Name) and owner.id in names) or (
        isinstance(owner, ast.Attribute) and owner.attr in {"error", "read_error"}
    )


def _is_fixed(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str()):
            return True
        case ast.Attribute(value=ast.Name(id="Reason")):
            return True
        case ast.Set(elts=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
            # {*Reason} asks whether a word is one of ours at all, which tells no cause
            return any(_is_fixed(part) for part in parts)
        case ast.Call(args=parts):
            return any(_is_fixed(part) for part in parts)
        case _:
            return False


def test_nobody_tells_causes_apart_by_the_word_of_a_reason() -> None:
    found = [f"{path}:{line}" for path, tree in parse_sources() for line in find_comparisons(tree)]

    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'try: f()\nexcept E as odd:\n  if odd.reason == "Forbidden": g()',
        'if error.reason in {"Forbidden", "Unauthorized"}: g()',
        "if Reason.UNAUTHORIZED != observation.read_error.reason: g()",
        'def f(gone: KubeFailure | None): return gone.reason in frozenset({"x"})',
        "match error:\n  case NotPermitted() if error.reason != Reason.UNAUTHORIZED: g()",
        'match error.reason:\n  case "Forbidden": g()',
    ],
)
def test_a_comparison_of_a_reason_would_be_found(code: str) -> None:
    assert find_comparisons(ast.parse(code))


def test_what_is_called_never_raised_is_never_raised() -> None:
    abstract = {name for _, name, told in read_drawing(errors.__doc__ or "") if told.endswith("never raised itself")}
    made = {
        f"{path}:{node.lineno}"
        for path, tree in parse_sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in abstract
    }

    assert abstract == {"OperatorError", "BackendError", "AccessDenied", "StaleView", "KubeFailure"}
    assert made == set()
