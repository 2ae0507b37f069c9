"""A secret as the configuration names it: `env:NAME` or `file:PATH`, read when it is needed and not kept.

Rules. The name may be shown, the value never is: a secret has no repr of it and no error tells it.
Deliberately not here: what the bytes have to be (a key, a certificate, a password).
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from journal.wording import BridgeError, Wording

_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_NO_VARIABLE = Wording(
    ru="{file}: {key}: переменная окружения {name} не задана. Задайте её там, где запускается dnevnik",
    en="{file}: {key}: the environment variable {name} is not set. Set it where dnevnik is started",
)
_NO_FILE = Wording(
    ru="{file}: {key}: нет файла {name}. Положите его туда или выполните: dnevnik --config {file} init",
    en="{file}: {key}: there is no file {name}. Put it there, or do: dnevnik --config {file} init",
)
_UNREADABLE = Wording(
    ru="{file}: {key}: файл {name} не читается. Дайте право чтения тому, от чьего имени запускается dnevnik",
    en="{file}: {key}: the file {name} can't be read. Give the account that dnevnik runs under the right to read it",
)
_EMPTY = Wording(
    ru="{file}: {key}: {name} пуст. Запишите туда то, что должно там быть",
    en="{file}: {key}: {name} is empty. Write there what has to be there",
)


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret lies: a `path`, or an environment `variable`; `key` and `configuration` say who named it."""

    key: str
    configuration: Path
    path: Path | None = None
    variable: str | None = None

    @property
    def name(self) -> str:
        """What to call the place in a message."""
        return self.variable or str(self.path)

    @property
    def exists(self) -> bool:
        """Tell whether there is something at the place; not whether it is any good."""
        return bool(os.environ.get(self.variable)) if self.variable else self.path is not None and self.path.exists()

    def read(self) -> bytes:
        """Return the secret's bytes as they stand.

        Raises BridgeError `secret-missing`, `secret-unreadable` or `secret-empty`, naming file and key.
        """
        content = b""
        trouble: tuple[str, Wording] | None = None
        if self.path is None:
            content = os.environ.get(self.variable or "", "").encode("utf-8", "surrogateescape")
            trouble = None if content else ("secret-missing", _NO_VARIABLE)
        else:
            try:
                content = self.path.read_bytes()
            except FileNotFoundError:
                trouble = ("secret-missing", _NO_FILE)
            except OSError:
                trouble = ("secret-unreadable", _UNREADABLE)
        if trouble is None and not content.strip():
            trouble = ("secret-empty", _EMPTY)
        if trouble is not None:
            code, wording = trouble
            raise BridgeError(code, wording, {"file": self.configuration, "key": self.key, "name": self.name})
        return content

    def text(self) -> str:
        """Return the secret as text without the line's end (a password). Raises as `read`, and when it is no UTF-8."""
        try:
            text = self.read().decode("utf-8", "surrogateescape" if self.variable else "strict")
        except UnicodeDecodeError:
            text = None
        if text is None:
            raise BridgeError(
                "secret-unreadable",
                _UNREADABLE,
                {"file": self.configuration, "key": self.key, "name": self.name},
            )
        return text.rstrip("\r\n")


def named_secret(reference: str, *, key: str, configuration: Path) -> Secret | None:
    """Read `env:NAME` or `file:PATH` (relative to the configuration); None when it is neither."""
    scheme, _, rest = reference.partition(":")
    if scheme == "env" and _ENVIRONMENT_NAME.fullmatch(rest):
        return Secret(key, configuration, variable=rest)
    if scheme == "file" and rest and "\0" not in rest:
        return Secret(key, configuration, path=configuration.parent / rest)
    return None
