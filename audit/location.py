"""Opens the store that a location names: a folder's path or a SQLAlchemy URL."""

from pathlib import Path

from audit.folder_store import FolderStore
from audit.store import Store


def open_store(location: str | Path) -> Store:
    """Return the store at `location`; text with `://` is a database's URL. Raises AuditUnavailableError."""
    if isinstance(location, str) and "://" in location:
        from audit.sql_store import open_sql_store  # noqa: PLC0415  a log in a folder is read without SQLAlchemy

        return open_sql_store(location)
    return FolderStore(Path(location))
