"""What a mark says without a code: its own sign, or points of a maximum.

Rules. A sign is shown as the school writes it. Points are shown as "8.5/10", without zeros at the end, and only
where they mean something: points of 0 or more, of a maximum above 0. More points than the maximum are shown as
they are. A mark that has a sign needs no points. Nothing is converted into another scale.
"""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from mappings.texts import ObjectArray


def points_texts(points: Sequence[Decimal | None], maximum: Sequence[Decimal | None]) -> ObjectArray:
    """Return points of a maximum as texts; None where they mean nothing."""
    result = np.full(len(points), None, object)
    for place, (given, most) in enumerate(zip(points, maximum, strict=True)):
        if given is None or most is None or not given.is_finite() or not most.is_finite():
            continue
        if given >= 0 and most > 0:
            result[place] = f"{_plain(given)}/{_plain(most)}"
    return result


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
