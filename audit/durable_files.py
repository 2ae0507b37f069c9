"""Files and folders that are on the disk before the caller goes on.

Rules. A file is written beside its place and renamed into it, so a reader sees the former one or the whole new one. A
new name is durable once its folder is flushed. Files are their owner's alone (0600), folders too (0700). Every call
raises OSError and says nothing to people: callers know what the file is.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

OWNER_ONLY = 0o600


def write_flushed(path: Path, content: bytes) -> None:
    """Write a file under a name that nobody reads yet, and flush it; what stood there goes."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, OWNER_ONLY)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_file(path: Path, content: bytes, *, replacing: bool = True) -> None:
    """Put a whole file in its place; unless `replacing`, raise FileExistsError where the name is taken.

    When it fails nothing is left: neither half a file nor the name.
    """
    # mkstemp makes the file 0600: at no moment can anybody else read it, and replace() keeps that.
    descriptor, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if not replacing:
            path.touch(exist_ok=False, mode=OWNER_ONLY)  # the name is ours
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each durable in its parent."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    flush_folder(folder.parent)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
