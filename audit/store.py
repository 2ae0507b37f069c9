"""Where a log's resources are kept, as the log needs it: a Protocol with two makers.

Rules. A resource is bytes under a relative path; the checkpoint is one of them and says what is published. A
published resource is never changed. One writer at a time, over threads and processes; what it wrote is seen by
readers only once `publish` returned or, where the store is not transactional, may be lying about unseen: the
checkpoint decides. Every failure of the medium is an AuditUnavailableError.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

LONGEST_APPEND = 65_536
COSIGNED = "checkpoint.cosigned"
"""The newest checkpoint that enough witnesses cosigned: kept beside the log, and no part of it."""
Resources = Mapping[str, bytes]


class Longer(NamedTuple):
    """A resource whose beginning is published under another path: the last bundle, while it isn't full."""

    path: str
    beginning: bytes
    added: bytes


class Writer(Protocol):
    """A store while this caller alone may write to it."""

    def read(self, path: str) -> bytes | None:
        """Return a resource, None where there is none."""
        ...

    def drop_unpublished(self, size: int) -> None:
        """Remove what an append that didn't end left beyond a log of `size` entries."""
        ...

    def write(self, resources: Resources, longer: Longer | None = None) -> None:
        """Store resources; they are durable before `publish` changes the checkpoint."""
        ...

    def publish(self, checkpoint: bytes, size: int) -> None:
        """Make `checkpoint` the log's checkpoint; durable once the writer's `with` block ends."""
        ...

    def keep_beside(self, path: str, content: bytes) -> None:
        """Put what is no part of the log in its former one's place, durably."""
        ...

    def drop_partials(self, folder: str) -> None:
        """Remove the partial forms of a tile whose full form is published."""
        ...


class Store(Protocol):
    """A log's resources. Safe to use from several threads. Reading never writes."""

    @property
    def leaves_unpublished(self) -> bool:
        """Whether an append that didn't end may leave resources beyond the checkpoint."""
        ...

    def prepare(self) -> None:
        """Make what a log needs before its first resource can be stored; nothing happens where it is there."""
        ...

    def read(self, path: str) -> bytes | None:
        """Return a published resource, None where there is none."""
        ...

    def paths(self) -> Iterator[str]:
        """Give the path of everything that is stored, the writer's own tools left out."""
        ...

    def history(self) -> Iterator[bytes]:
        """Give the checkpoints that were published before the present one, as far as they are kept."""
        ...

    def writing(self) -> AbstractContextManager[Writer]:
        """Wait for the other writers and keep them out until the block ends."""
        ...

    def within(self, connection: object) -> "Store | None":
        """Return this store as seen and written within an open transaction of its own database.

        None where it isn't kept there. What is written through it is durable when that transaction is.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
