"""The tree against the recursion of RFC 6962 as it is written, and against pymerkle."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from audit.tree import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_at,
    root_hash,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves that implementations of Certificate Transparency are commonly tried on, and the root over all.
KNOWN_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
KNOWN_ROOT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def entries(count: int) -> list[bytes]:
    return [f"entry {number}".encode() for number in range(count)]


def naive_root(data: list[bytes]) -> bytes:
    """MTH(D[n]) of RFC 6962 section 2.1, word for word."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = 1
    while k * 2 < len(data):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(data[:k]) + naive_root(data[k:])).digest()


def naive_path(m: int, data: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of section 2.1.1."""
    if len(data) == 1:
        return []
    k = 1
    while k * 2 < len(data):
        k *= 2
    if m < k:
        return [*naive_path(m, data[:k]), naive_root(data[k:])]
    return [*naive_path(m - k, data[k:]), naive_root(data[:k])]


def naive_subproof(m: int, data: list[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of section 2.1.2."""
    if m == len(data):
        return [] if whole else [naive_root(data)]
    k = 1
    while k * 2 < len(data):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, data[:k], whole=whole), naive_root(data[k:])]
    return [*naive_subproof(m - k, data[k:], whole=False), naive_root(data[:k])]


def nodes(data: list[bytes]) -> Callable[[int, int], bytes]:
    """Perfect subtrees computed from the entries alone."""

    def node(level: int, index: int) -> bytes:
        part = data[index << level : (index + 1) << level]
        assert len(part) == 1 << level, "a proof asked for a subtree that isn't complete"
        return naive_root(part)

    return node


def test_the_known_root_comes_out() -> None:
    assert root_hash(leaf_hash(leaf) for leaf in KNOWN_LEAVES).hex() == KNOWN_ROOT


@pytest.mark.parametrize("count", [*range(20), 31, 32, 33, 255, 256, 257, 300])
def test_root_is_that_of_the_rfc_and_of_pymerkle(count: int) -> None:
    data = entries(count)
    other = InmemoryTree(algorithm="sha256")
    for entry in data:
        other.append_entry(entry)
    expected = naive_root(data)
    assert root_hash(leaf_hash(entry) for entry in data) == expected
    assert root_at(count, nodes(data)) == expected
    if count:
        assert other.get_root() == expected


def test_roots_equal_pymerkles_for_all_sizes_up_to_a_thousand() -> None:
    other, tree = InmemoryTree(algorithm="sha256"), CompactRange()
    leaves: list[bytes] = []
    for entry in entries(1000):
        other.append_entry(entry)
        leaves.append(leaf_hash(entry))
        tree.append(leaves[-1])
        assert other.get_root() == tree.root() == root_hash(leaves)
    assert tree.size == 1000


def test_compact_range_gives_the_root_after_every_leaf() -> None:
    data = entries(70)
    tree = CompactRange()
    assert tree.root() == EMPTY_ROOT
    for size, entry in enumerate(data, 1):
        tree.append(leaf_hash(entry))
        assert tree.size == size
        assert tree.root() == naive_root(data[:size])


@pytest.mark.parametrize("height", [1, 2, 3])
def test_compact_range_of_subtrees_gives_the_root_with_what_follows_them(height: int) -> None:
    data = entries(40)
    width = 1 << height
    tree = CompactRange()
    for size in range(1, len(data)):
        whole = size // width * width
        rest = naive_root(data[whole:size]) if whole < size else None
        assert tree.root(rest) == naive_root(data[:size])
        if (size + 1) % width == 0:
            tree.append(naive_root(data[size + 1 - width : size + 1]))


@pytest.mark.parametrize("size", [*range(1, 18), 33])
def test_inclusion_proofs_are_those_of_the_rfc_and_verify(size: int) -> None:
    data = entries(size)
    root = naive_root(data)
    for index, entry in enumerate(data):
        proof = inclusion_proof(index, size, nodes(data))
        assert list(proof) == naive_path(index, data)
        assert verify_inclusion(leaf_hash(entry), index, size, proof, root)


@pytest.mark.parametrize("new", [*range(1, 18), 33])
def test_consistency_proofs_are_those_of_the_rfc_and_verify(new: int) -> None:
    data = entries(new)
    for old in range(1, new + 1):
        proof = consistency_proof(old, new, nodes(data))
        assert list(proof) == naive_subproof(old, data, whole=True)
        assert verify_consistency(old, new, naive_root(data[:old]), naive_root(data), proof)


@given(size=st.integers(1, 40), draw=st.data())
def test_a_proof_with_anything_changed_is_refused(size: int, draw: st.DataObject) -> None:
    data = entries(size)
    index = draw.draw(st.integers(0, size - 1))
    root, leaf = naive_root(data), leaf_hash(data[index])
    proof = list(inclusion_proof(index, size, nodes(data)))
    other = hashlib.sha256(b"another").digest()
    assert not verify_inclusion(other, index, size, proof, root)
    assert not verify_inclusion(leaf, index, size, proof, other)
    assert not verify_inclusion(leaf, index, size, [*proof, other], root)
    if proof:
        at = draw.draw(st.integers(0, len(proof) - 1))
        assert not verify_inclusion(leaf, index, size, proof[:at] + proof[at + 1 :], root)
        assert not verify_inclusion(leaf, index, size, [*proof[:at], other, *proof[at + 1 :]], root)
    for wrong in {index - 1, index + 1, size} - {index}:
        assert not verify_inclusion(leaf, wrong, size, proof, root)


@given(old=st.integers(1, 30), more=st.integers(1, 30), draw=st.data())
def test_a_consistency_proof_with_anything_changed_is_refused(old: int, more: int, draw: st.DataObject) -> None:
    new = old + more
    data = entries(new)
    old_root, new_root = naive_root(data[:old]), naive_root(data)
    proof = list(consistency_proof(old, new, nodes(data)))
    other = hashlib.sha256(b"another").digest()
    at = draw.draw(st.integers(0, len(proof) - 1))
    assert not verify_consistency(old, new, other, new_root, proof)
    assert not verify_consistency(old, new, old_root, other, proof)
    assert not verify_consistency(old, new, old_root, new_root, [*proof[:at], other, *proof[at + 1 :]])
    assert not verify_consistency(old, new, old_root, new_root, proof[:at] + proof[at + 1 :])
    assert not verify_consistency(old, new, old_root, new_root, [*proof, other])
    assert not verify_consistency(old, new, old_root, new_root, [])


def test_equal_and_empty_trees() -> None:
    root, other = naive_root(entries(5)), naive_root(entries(4))
    assert verify_consistency(5, 5, root, root, ())
    assert not verify_consistency(5, 5, root, other, ())
    assert not verify_consistency(5, 5, root, root, (other,))
    assert verify_consistency(0, 5, EMPTY_ROOT, root, ())
    assert not verify_consistency(0, 5, other, root, ())
    assert not verify_consistency(0, 5, EMPTY_ROOT, root, (other,))
    assert not verify_consistency(6, 5, root, root, ())
    assert verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, ())
    assert not verify_consistency(0, 0, root, root, ())
    assert not verify_inclusion(b"", 0, 1, (), b"")


def test_impossible_proofs_are_refused() -> None:
    node = nodes(entries(4))
    with pytest.raises(ValueError, match="leaf 4 is not in a tree of 4"):
        inclusion_proof(4, 4, node)
    with pytest.raises(ValueError, match="no consistency proof"):
        consistency_proof(5, 4, node)
    with pytest.raises(ValueError, match="no consistency proof"):
        consistency_proof(0, 4, node)
