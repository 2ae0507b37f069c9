"""Large arrays go back to the system as soon as they are dropped, not only when the process ends.

Rules. glibc learns from each large block that is given back, and keeps blocks up to 32 MiB for itself from then on; a
school's year is made of columns of some 6 MiB, and what is dropped between two steps would stay with the process.
Where the C library is another one, nothing is done. It costs some 5 % of a reading's CPU.
"""

import ctypes
from functools import cache

LARGE_BYTES = 256 * 1024
_MMAP_THRESHOLD = -3  # mallopt's name for it, of malloc.h


@cache
def give_back_large_blocks() -> bool:
    """Make it so for this process, once; tells whether it could be done."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(set_option is not None and set_option(_MMAP_THRESHOLD, LARGE_BYTES))
