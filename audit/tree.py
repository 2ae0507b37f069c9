"""The Merkle tree of RFC 6962: hashes, roots, proofs and their verification.

Rules. SHA-256; a leaf is hashed behind 0x00, an inner node behind 0x01, the empty tree is the hash of
nothing (section 2.1). Everything here is pure. A proof is made from perfect subtrees, fetched by `node(level,
index)`: the hash over the leaves `index << level` to `(index + 1) << level`. Deliberately not here: how hashes
are stored (`audit.tiles`).
Source: RFC 6962 section 2.1; for verification RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node over its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The right edge of a growing tree: one hash for each perfect subtree, the largest first.

    Holds `log2(size)` hashes at most, so a root is at hand after every leaf without the leaves.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash on the right."""
        peak, merges = leaf, self.size
        while merges & 1:
            peak = node_hash(self._peaks.pop(), peak)
            merges >>= 1
        self._peaks.append(peak)
        self.size += 1

    def root(self, rest: bytes | None = None) -> bytes:
        """Return the root over all leaves added so far, and over `rest`.

        `rest` is the hash over leaves that follow; where whole subtrees are added as one leaf each, it may stand for
        one that isn't complete.
        """
        peaks = self._peaks if rest is None else [*self._peaks, rest]
        if not peaks:
            return EMPTY_ROOT
        root = peaks[-1]
        for peak in reversed(peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_hash(leaves: Iterable[bytes]) -> bytes:
    """Return the root over these leaf hashes, in order."""
    level = list(leaves)
    while len(level) > 1:
        pairs = iter(level)
        above = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
        if len(level) % 2:
            above.append(level[-1])  # the last one has no neighbour yet: it stands for itself one level up
        level = above
    return level[0] if level else EMPTY_ROOT


def range_hash(first: int, end: int, node: Node) -> bytes:
    """Return the hash over leaves `first` to `end` (not included) of a tree whose subtree starts at `first`.

    `first` is a multiple of the smallest power of two that is not below `end - first`, as it is for every
    subtree that RFC 6962 names; `first < end`.
    """
    level = (end - first).bit_length() - 1
    if end - first == 1 << level:
        return node(level, first >> level)
    split = first + (1 << level)
    return node_hash(node(level, first >> level), range_hash(split, end, node))


def root_at(size: int, node: Node) -> bytes:
    """Return the root that the tree had when it held `size` leaves."""
    return range_hash(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Return the audit path of leaf `index` in the tree of `size` leaves, the leaf's sibling first.

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        msg = f"leaf {index} is not in a tree of {size}"
        raise ValueError(msg)
    path: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        split = first + _split(end - first)
        if index < split:
            path.append(range_hash(split, end, node))
            end = split
        else:
            path.append(range_hash(first, split, node))
            first = split
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """Return the proof that the tree of `old` leaves is a prefix of that of `new` leaves.

    Empty when the two are equal. Raises ValueError unless 0 < old <= new.
    """
    if not 0 < old <= new:
        msg = f"no consistency proof leads from {old} to {new} leaves"
        raise ValueError(msg)
    path: list[bytes] = []
    first, end, whole = 0, new, True
    while old != end:
        split = first + _split(end - first)
        if old <= split:
            path.append(range_hash(split, end, node))
            end = split
        else:
            path.append(range_hash(first, split, node))
            first, whole = split, False
    if not whole:
        path.append(range_hash(first, end, node))
    return tuple(reversed(path))


def _split(count: int) -> int:
    """Return the largest power of two below `count` (`count` > 1)."""
    return int(1 << ((count - 1).bit_length() - 1))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether `proof` shows that `leaf` (a leaf hash) stands at `index` in the tree of `size` and `root`."""
    if not 0 <= index < size or len(leaf) != HASH_BYTES:
        return False
    steps = _climb(index, size - 1, proof)
    if steps is None:
        return False
    computed = leaf
    for sibling, on_left in steps:
        computed = node_hash(sibling, computed) if on_left else node_hash(computed, sibling)
    return computed == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether `proof` shows that the tree of `old_root` is a prefix of the tree of `new_root`.

    Every tree continues the empty one: from size 0 there is nothing to prove, and the proof is empty.
    """
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT and (new > 0 or new_root == EMPTY_ROOT)
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    steps = _climb(position, last, path[1:])
    if steps is None:
        return False
    from_old = from_new = path[0]
    for sibling, on_left in steps:
        if on_left:
            from_old = node_hash(sibling, from_old)
            from_new = node_hash(sibling, from_new)
        else:
            from_new = node_hash(from_new, sibling)
    return from_old == old_root and from_new == new_root


def _climb(position: int, last: int, siblings: Sequence[bytes]) -> list[tuple[bytes, bool]] | None:
    """Return each sibling on the way from a node to the root, and whether it stands on the left.

    `position` and `last` number the node and the rightmost node of its level. None when the siblings are too
    few or too many for this way.
    """
    steps: list[tuple[bytes, bool]] = []
    for sibling in siblings:
        if last == 0:
            return None
        on_left = bool(position & 1) or position == last
        if on_left:  # a node without a right neighbour rises until it is itself a right child
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        steps.append((sibling, on_left))
        position >>= 1
        last >>= 1
    return steps if last == 0 else None
