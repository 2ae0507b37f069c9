"""The reference by which an application is found again: on the printed forms, on the screen, over the telephone. Pure.

Rules. 60 random bits as 12 characters of Crockford's base32 in groups of four; it says nothing of anybody. What a
person types is read as they meant it: small letters, blanks, other or no hyphens, O for 0, I and L for 1.
Source: D. Crockford, "Base 32".
"""

import re
from collections.abc import Callable

from journal.wording import BridgeError, Wording

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHARACTERS, _GROUP, _BITS = 12, 4, 5
_SURPLUS_BITS = 64 - _CHARACTERS * _BITS
_MEANT = str.maketrans("OIL", "011")
_HYPHENS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")
_READ = re.compile(f"[{_ALPHABET}]{{{_CHARACTERS}}}")

_NO_REFERENCE = Wording(
    ru="Это не номер заявления. Он состоит из 12 знаков и напечатан на бланке в виде XXXX-XXXX-XXXX.",
    en="This is no application's reference. It has 12 characters and is printed on the form as XXXX-XXXX-XXXX.",
)


def new_reference(randomness: Callable[[int], bytes]) -> str:
    """Return a new reference of 60 bits of `randomness`."""
    number = int.from_bytes(randomness(8), "big") >> _SURPLUS_BITS
    places = range((_CHARACTERS - 1) * _BITS, -1, -_BITS)
    return _grouped("".join(_ALPHABET[number >> place & (1 << _BITS) - 1] for place in places))


def normal_reference(text: str) -> str:
    """Return the reference that a person meant. Raises BridgeError `reference-wrong`, without what was typed."""
    characters = _HYPHENS.sub("", text).upper().translate(_MEANT)
    if not _READ.fullmatch(characters):
        raise BridgeError("reference-wrong", _NO_REFERENCE)
    return _grouped(characters)


def _grouped(characters: str) -> str:
    return "-".join(characters[start : start + _GROUP] for start in range(0, _CHARACTERS, _GROUP))
