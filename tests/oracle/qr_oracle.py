"""Reads a QR code of version 1, level Q, alphanumeric, from its modules: written from ISO/IEC 18004 alone.

Nothing is corrected: a picture that was drawn, not photographed, has no faults, and one here is to be noticed.
"""

from collections.abc import Sequence

SIDE = 21
_DATA_CODEWORDS = 13
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_LEVEL_Q = 0b11
_FORMAT_MASK = 0b101010000010010
_MASKS = (
    lambda r, c: (r + c) % 2,
    lambda r, _: r % 2,
    lambda _, c: c % 3,
    lambda r, c: (r + c) % 3,
    lambda r, c: (r // 2 + c // 3) % 2,
    lambda r, c: r * c % 2 + r * c % 3,
    lambda r, c: (r * c % 2 + r * c % 3) % 2,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2,
)


def read_code(modules: Sequence[Sequence[int]]) -> str:
    """Return the text of a code; `modules` are its 21 rows, dark 1, without the quiet zone."""
    assert len(modules) == SIDE
    assert all(len(row) == SIDE for row in modules)
    beside_corner = [(8, c) for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [(r, 8) for r in (7, 5, 4, 3, 2, 1, 0)]
    form = int("".join(str(modules[r][c]) for r, c in beside_corner), 2) ^ _FORMAT_MASK
    assert form >> 13 == _LEVEL_Q
    mask = _MASKS[form >> 10 & 0b111]
    bits = "".join(str(modules[r][c] ^ (mask(r, c) == 0)) for r, c in _way())[: _DATA_CODEWORDS * 8]
    assert bits[:4] == "0010", "not alphanumeric"
    length, at, text = int(bits[4:13], 2), 13, ""
    while len(text) < length - 1:
        first, second = divmod(int(bits[at : at + 11], 2), len(_LETTERS))
        text += _LETTERS[first] + _LETTERS[second]
        at += 11
    return text if len(text) == length else text + _LETTERS[int(bits[at : at + 6], 2)]


def _way() -> list[tuple[int, int]]:
    """Return the places of the data in their order: two columns at a time from the right, up and down in turn."""
    places = []
    upward = True
    for right in (20, 18, 16, 14, 12, 10, 8, 5, 3, 1):
        for r in range(SIDE - 1, -1, -1) if upward else range(SIDE):
            places += [(r, c) for c in (right, right - 1) if not _is_pattern(r, c)]
        upward = not upward
    return places


def _is_pattern(r: int, c: int) -> bool:
    """Tell whether a module is a finder, timing or format one."""
    return (r < 9 and (c < 9 or c > 12)) or (r > 12 and c < 9) or r == 6 or c == 6
