"""Which portals the bridge can talk to: each module of this folder is one, named by `[portal] connector`.

Rules. "diary-exchange-1" is the module `diary_exchange_1`. A module gives three functions, those of `Connector`; a
second portal is one more module here and that one line of bridge.toml. What is named and isn't here is refused with
the names that are.
Deliberately not here: what a portal is asked (`journal.portal.Portal`), and how (each connector's own).
"""

import importlib
import pkgutil
from typing import Protocol, cast

from connectors.portal.check import PortalProbe
from connectors.portal.soap_portal import PortalConnection
from journal.portal import Portal
from journal.wording import BridgeError, Wording

_UNKNOWN = Wording(
    ru="[portal] connector: соединителя {name} нет. Есть: {known}. Исправьте имя в файле настроек",
    en="[portal] connector: there is no connector {name}. There are: {known}. Correct the name in the settings",
)


class Connector(Protocol):
    """What a module of this folder gives."""

    def open_portal(self, connection: PortalConnection) -> Portal:
        """Return the portal; connects to nothing. Raises BridgeError naming the setting that is wrong."""
        ...

    def probe(self, connection: PortalConnection, school: str | None) -> PortalProbe:
        """Reach the portal and, in the name of `school`, ask it something. Raises BridgeError for wrong settings."""
        ...

    def check_signing_key(self, text: bytes) -> None:
        """Read what `[portal] signing_key` names. Raises BridgeError when it is not what this portal needs."""
        ...


def known() -> list[str]:
    """Return the connectors' names, as bridge.toml writes them."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def connector(name: str) -> Connector:
    """Return the connector of that name. Raises BridgeError `connector-unknown`."""
    if name not in known():
        raise BridgeError("connector-unknown", _UNKNOWN, {"name": name, "known": ", ".join(known())})
    return cast("Connector", importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))
