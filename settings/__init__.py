"""How one installation is described: bridge.toml, read once, checked whole, then never changed.

Rules. The file is the only source of settings (the environment names the file, in DNEVNIK_CONFIG, and holds
secrets that the file names). Everything wrong in it is found before anything is done, each thing as one line
with the file and the key. A relative path is relative to the file. A secret is named in the file and read only
when it is needed; its value is in no message and no repr. Deliberately not here: what the settings mean to the
rooms that take them; rooms below get plain values, not these models.
"""

from settings.model import (
    ActualitySection,
    AuditSection,
    BridgeSection,
    ConsentSection,
    LimitsSection,
    PortalSection,
    ReadingSection,
    SchoolSection,
    Settings,
)
from settings.problems import ConfigurationError
from settings.reading import load, locate
from settings.secret import Secret
from settings.values import Pause

__all__ = [
    "ActualitySection",
    "AuditSection",
    "BridgeSection",
    "ConfigurationError",
    "ConsentSection",
    "LimitsSection",
    "Pause",
    "PortalSection",
    "ReadingSection",
    "SchoolSection",
    "Secret",
    "Settings",
    "load",
    "locate",
]
