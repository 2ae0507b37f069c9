"""The names of the boundaries that the code passes, read from its text."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def named_boundaries(room: str, desk: str | None = None) -> list[str]:
    """Return the names in `….boundary("name")` of a room's modules, sorted; `desk`: only calls on such a name.

    A plain `boundary("name")` is work of another sort, with a hook and tests of its own.
    """
    found = set()
    for file in sorted((ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _is_boundary(node.func, desk):
                (name,) = node.args
                if isinstance(name, ast.Constant):  # else somebody else's is handed on
                    found.add(name.value)
    return sorted(found)


def _is_boundary(called: ast.expr, desk: str | None) -> bool:
    if not isinstance(called, ast.Attribute) or called.attr != "boundary":
        return False
    return desk is None or (isinstance(called.value, ast.Name) and called.value.id == desk)
