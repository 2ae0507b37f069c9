"""What can be wrong with the log, each as one sentence in Russian and in English.

Rules. A sentence names the file or entry and what to do; it never holds a field's value. `str()` is the
English sentence. Catching `AuditUnavailableError` is enough to fail closed: a damaged log is unavailable too.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing found wrong, said in both languages."""

    ru: str
    en: str


@dataclass(eq=False)
class AuditError(Exception):
    """Something about the audit log that a person has to be told."""

    ru: str
    en: str

    def __str__(self) -> str:
        return self.en


class EntryError(AuditError):
    """An entry has a field that its kind doesn't admit, or bytes are no entry at all."""


class NoteError(AuditError):
    """Bytes are no signed note, no checkpoint or no key of the C2SP forms."""


class KeyFileError(AuditError):
    """A PEM text holds no Ed25519 private key that can be used as it is."""


class AuditUnavailableError(AuditError):
    """The log can't be read or written now; whatever needs it must not be done."""


class AuditDamagedError(AuditUnavailableError):
    """What is stored is not the log that was signed; nothing is appended to it."""
