"""A plan written into a file, to be looked at by a person and then carried out exactly, or not at all.

The file is one line of canonical JSON (RFC 8785): `kind`, `v`, `made_at`, `software`, `digest` and `schools`; of each
school its code, `stop` (null, or why all but lawful acts wait: held, paused), `digest` and the `acts` in the order in
which they are done (`delivery.actions`). Rules. It names records, links and reasons, no person and no content. A
school's digest is over its acts, the file's over its schools', so no act can be changed and the digests stay.
A file that differs by a byte from what would be written is none. Deliberately not here: whether the world still fits.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from audit.durable_files import put_file
from delivery.actions import Act, act_from, canonical_json, digest_of
from journal.wording import BridgeError, Wording

KIND = "dnevnik-plan"
VERSION = 1
HELD, PAUSED = "held", "paused"
STOPS = frozenset({None, HELD, PAUSED})
"""Why all but lawful acts of a school wait: its limits, a pause, nothing."""

_UNREADABLE = Wording(
    ru="{file}: файл не прочитан ({reason}). Проверьте имя и право чтения",
    en="{file}: the file can't be read ({reason}). Check its name and the right to read it",
)
_ALTERED = Wording(
    ru="{file}: это не план, или он изменён после записи. Ничего не отправлено. Составьте его заново: "
    "dnevnik plan --out {file}",
    en="{file}: this is no plan, or it was changed after it was written. Nothing was sent. Make it anew: "
    "dnevnik plan --out {file}",
)
_OTHER = Wording(
    ru="{file}: файл уже есть, и это не план. Ничего не записано. Укажите другое имя",
    en="{file}: there is such a file, and it is no plan. Nothing was written. Give another name",
)
_NOT_WRITTEN = Wording(
    ru="{file}: файл не записан ({reason}). Проверьте папку и право записи",
    en="{file}: the file was not written ({reason}). Check the folder and the right to write",
)
_NOT_IN = Wording(
    ru="{file}: в плане нет школы {school}. Есть: {known}. Составьте план и для неё: dnevnik plan --out {file}",
    en="{file}: the plan has no school {school}. It has: {known}. Make one with it: dnevnik plan --out {file}",
)


@dataclass(frozen=True, slots=True)
class SchoolPlan:
    """What a sync of one school would do; `stop`: why only its lawful acts may be done."""

    school: str
    stop: str | None
    acts: tuple[Act, ...] = field(repr=False)

    @property
    def digest(self) -> str:
        """The SHA-256 over the acts."""
        return digest_of(self.acts)


@dataclass(frozen=True, slots=True)
class PlanFile:
    """Plans of several schools, made at one moment."""

    made_at: datetime
    software: str
    schools: tuple[SchoolPlan, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 over what is to be done in all schools."""
        listed = [{"digest": plan.digest, "school": plan.school, "stop": plan.stop} for plan in self.schools]
        return hashlib.sha256(canonical_json(listed)).hexdigest()

    def chosen(self, file: Path, schools: Sequence[str]) -> list[SchoolPlan]:
        """Return the plans of these schools, in the file's order; none named: all.

        Raises BridgeError `plan-without-school`.
        """
        known = {plan.school for plan in self.schools}
        for school in schools:
            if school not in known:
                told: dict[str, object] = {"file": file, "school": school, "known": ", ".join(sorted(known)) or "-"}
                raise BridgeError("plan-without-school", _NOT_IN, told)
        return [plan for plan in self.schools if not schools or plan.school in schools]


def encode_plan(plan: PlanFile) -> bytes:
    """Return the file's content."""
    schools = [
        {
            "acts": [act.plain() for act in school.acts],
            "digest": school.digest,
            "school": school.school,
            "stop": school.stop,
        }
        for school in plan.schools
    ]
    whole = {
        "digest": plan.digest,
        "kind": KIND,
        "made_at": plan.made_at.isoformat(timespec="seconds"),
        "schools": schools,
        "software": plan.software,
        "v": VERSION,
    }
    return canonical_json(whole) + b"\n"


def decode_plan(content: bytes) -> PlanFile:
    """Return the plan that `encode_plan` wrote. Raises ValueError for a content that it would not have written."""
    try:
        whole = json.loads(content)
        schools = tuple(
            SchoolPlan(str(one["school"]), one["stop"], tuple(act_from(act) for act in one["acts"]))
            for one in whole["schools"]
        )
        plan = PlanFile(datetime.fromisoformat(whole["made_at"]), str(whole["software"]), schools)
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("not a plan") from error
    if not schools or plan.made_at.tzinfo is None or any(school.stop not in STOPS for school in schools):
        raise ValueError("not a plan")
    if encode_plan(plan) != content or len({school.school for school in schools}) != len(schools):
        raise ValueError("not a plan as it is written")
    return plan


def read_plan(file: Path) -> PlanFile:
    """Return the plan in a file. Raises BridgeError `plan-unreadable`, `plan-altered`."""
    refusal = None
    try:
        return decode_plan(file.read_bytes())
    except OSError as error:
        told: dict[str, object] = {"file": file, "reason": error.strerror or type(error).__name__}
        refusal = BridgeError("plan-unreadable", _UNREADABLE, told)
    except ValueError:
        refusal = BridgeError("plan-altered", _ALTERED, {"file": file})
    raise refusal


def write_plan(file: Path, plan: PlanFile) -> None:
    """Write a plan, whole or not at all, for its owner alone (0600); it takes the place of another plan only.

    Raises BridgeError `plan-name-taken`, `plan-not-written`.
    """
    refuse_other_file(file)
    refusal = None
    try:
        put_file(file, encode_plan(plan))
    except OSError as error:
        told: dict[str, object] = {"file": file, "reason": error.strerror or type(error).__name__}
        refusal = BridgeError("plan-not-written", _NOT_WRITTEN, told)
    if refusal is not None:
        raise refusal


def refuse_other_file(file: Path) -> None:
    """Raise BridgeError `plan-name-taken` where something stands under this name that is no plan."""
    if file.exists() and not _seems_a_plan(file):
        raise BridgeError("plan-name-taken", _OTHER, {"file": file})


def _seems_a_plan(file: Path) -> bool:
    """Tell whether a file is a plan, be it altered or of another version."""
    try:
        whole = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(whole, dict) and whole.get("kind") == KIND
