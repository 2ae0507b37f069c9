"""The square code of a form: its reference as a QR code, drawn as one path.

Rules. The code holds the reference and nothing else, with error correction Q (a quarter of it may be under a stamp or
a fold). The quiet zone of four modules belongs to it. Deliberately not here: its size on paper (`templates/form.css`).
"""

from dataclasses import dataclass

import segno

QUIET = 4
"""Empty modules on each side, as ISO/IEC 18004 asks."""


@dataclass(frozen=True, slots=True)
class CodeMark:
    """A code to draw: `side` modules square, quiet zone included, the dark ones as an SVG path."""

    side: int
    path: str


def code_mark(reference: str) -> CodeMark:
    """Return the code of a reference; the same one always."""
    code = segno.make_qr(reference, error="q", boost_error=False)
    runs = []
    for y, row in enumerate(code.matrix, start=QUIET):
        x = 0
        while x < len(row):
            width = 1
            while x + width < len(row) and row[x + width] == row[x]:
                width += 1
            if row[x]:
                runs.append(f"M{x + QUIET} {y}h{width}v1h-{width}z")
            x += width
    return CodeMark(len(code.matrix) + 2 * QUIET, "".join(runs))
