"""The inclusion and consistency vectors of transparency-dev/merkle (tests/audit/vectors/NOTICE), all 196.

They expect what is expected here but for size 0, where FORMAT.md has a rule of its own: every log began with 0 entries,
so from there nothing is to be proved, and the empty proof is accepted from the empty tree's root. The vectors refuse
every proof from size 0.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from audit.tree import EMPTY_ROOT, verify_consistency, verify_inclusion

VECTORS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors" / "transparency-dev-merkle.json").read_bytes()
)
# What the rule for size 0 accepts and the vectors refuse.
FROM_NOTHING = {"consistency/additional/size1-is-zero-and-size2-is-not-zero.json"}


def data(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or ()]


def test_all_of_them_are_here() -> None:
    assert len(VECTORS) == 196
    assert sum(path.startswith("inclusion/") for path in VECTORS) == 98
    assert sum(not vector["wantErr"] for vector in VECTORS.values()) == 12


@pytest.mark.parametrize("path", sorted(path for path in VECTORS if path.startswith("inclusion/")))
def test_inclusion(path: str) -> None:
    vector = VECTORS[path]
    root, leaf = data([vector["root"], vector["leafHash"]])
    verified = verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], data(vector["proof"]), root)
    assert verified == (not vector["wantErr"])


@pytest.mark.parametrize("path", sorted(path for path in VECTORS if path.startswith("consistency/")))
def test_consistency(path: str) -> None:
    vector = VECTORS[path]
    old_root, new_root = data([vector["root1"], vector["root2"]])
    proof = data(vector["proof"])
    verified = verify_consistency(vector["size1"], vector["size2"], old_root, new_root, proof)
    if vector["size1"] == 0:
        same = vector["size2"] > 0 or new_root == EMPTY_ROOT
        assert verified == (not proof and old_root == EMPTY_ROOT and same)
        assert verified == (path in FROM_NOTHING)
    else:
        assert verified == (not vector["wantErr"])
