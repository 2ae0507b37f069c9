"""The settings themselves: one model a section of bridge.toml, each key with its type, default and sentence.

Rules. Frozen; unknown keys are refused; no coercion ("5" is not 5). A default, where a key has one, is the
careful choice. Paths come out absolute. `Expected` on a key is what a person reads when its value is wrong.
Keys beyond the installation example: bridge.log, portal.connector, what follows audit.witnesses, limits.small_change,
reading.full_every_days, consent.correction_days, .answer_days, .alarm_days, .processor_name, .processor_address,
.texts, .calendar, actuality.below_target, .calendar, school.address, .calendar, .school_week.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, StringConstraints

from journal.school_calendar import SchoolCalendar
from journal.wording import BridgeError, Language, Wording
from settings.problems import Expected
from settings.secret import Secret
from settings.values import (
    Pause,
    ReadingContext,
    audit_log,
    blank_is_none,
    cron_schedule,
    database_url,
    known_profile,
    local_path,
    log_name,
    mail_address,
    mail_server,
    named,
    one_each,
    optional_path,
    pause,
    portal_url,
    quorum_of,
    school_calendar,
    school_source,
    witness_key,
    witness_url,
    zone,
)

_UNKNOWN_SCHOOL = Wording(
    ru="{file}: школы {school} нет. Есть: {known}. Исправьте код или добавьте раздел [[school]]",
    en="{file}: there is no school {school}. There are: {known}. Correct the code or add a [[school]] section",
)
_NO_SCHOOLS = Wording(
    ru="{file}: [[school]]: нет ни одной школы. Добавьте раздел [[school]]",
    en="{file}: [[school]]: there is no school. Add a [[school]] section",
)

_COUNT = Expected("целое число от 0", "a whole number from 0")
_DAYS = Expected("целое число дней от 1 до 366", "a whole number of days, 1 to 366")
_SECONDS = Expected("число секунд больше 0, не больше 600", "a number of seconds above 0, 600 at most")
_SHARE = Expected("доля от 0.0 до 1.0", "a share, 0.0 to 1.0")
_SECRET = Expected("env:ИМЯ или file:ПУТЬ", "env:NAME or file:PATH")
_MAIL = Expected("адрес эл. почты", "an e-mail address")
_TEXT = Expected("текст в кавычках от 1 до 200 знаков", "a quoted text of 1 to 200 characters")

Seconds = Annotated[float, Field(gt=0, le=600), _SECONDS]
Share = Annotated[float, Field(ge=0, le=1), _SHARE]
Days = Annotated[int, Field(ge=1, le=366), _DAYS]
Count = Annotated[int, Field(ge=0), _COUNT]
SchoolDaysFile = Annotated[
    SchoolCalendar | None,
    BeforeValidator(school_calendar),
    Expected("путь к файлу учебных дней (docs/actuality.md)", "the path of a file of school days (docs/actuality.md)"),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), _TEXT]


class Section(BaseModel):
    """What all sections have in common."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_default=True, hide_input_in_errors=True
    )


class BridgeSection(Section):
    """The bridge's own database, its time zone, the language of pages and messages, its technical log."""

    state: Annotated[
        str,
        AfterValidator(database_url),
        Expected(
            "адрес базы SQLAlchemy: sqlite:///путь/к/файлу или postgresql+psycopg://…",
            "a SQLAlchemy URL: sqlite:///path/to/file or postgresql+psycopg://…",
        ),
        Field(repr=False),
    ] = "sqlite:///var/bridge.db"
    timezone: Annotated[
        ZoneInfo,
        BeforeValidator(zone),
        Expected("имя часового пояса, например Europe/Moscow", "a time zone's name, like Europe/Moscow"),
    ] = ZoneInfo("Europe/Moscow")
    language: Annotated[Language, Field(strict=False), Expected("ru или en", "ru or en")] = Language.RU
    log: Annotated[
        Path, BeforeValidator(local_path), Expected("путь к файлу технического журнала", "the technical log's path")
    ] = Path("var/dnevnik.log")


class PortalSection(Section):
    """Which portal it is and where, by which keys the two know each other, how fast the bridge may ask."""

    connector: Annotated[
        str,
        Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60),
        Expected('имя соединителя, например "diary-exchange-1"', 'a connector\'s name, like "diary-exchange-1"'),
    ] = "diary-exchange-1"
    url: Annotated[
        str, AfterValidator(portal_url), Expected("адрес вида https://узел/путь", "a URL like https://host/path")
    ]
    client_certificate: Annotated[Secret, named("[portal] client_certificate"), _SECRET]
    signing_key: Annotated[Secret, named("[portal] signing_key"), _SECRET]
    authorities: Annotated[Secret, named("[portal] authorities"), _SECRET]
    connect_timeout: Seconds = 5
    reply_timeout: Seconds = 60
    batch_records: Annotated[
        int, Field(ge=1, le=5000), Expected("целое число от 1 до 5000", "a whole number, 1 to 5000")
    ] = 1000
    requests_per_minute: Annotated[
        int, Field(ge=1, le=100_000), Expected("целое число от 1 до 100000", "a whole number, 1 to 100000")
    ] = 600


class AuditSection(Section):
    """The tamper-evident log: where it is, who signs it, what wraps the students' keys, who countersigns."""

    log: Annotated[
        str | Path,
        BeforeValidator(audit_log),
        Expected("папка или адрес базы SQLAlchemy", "a folder or a SQLAlchemy URL"),
        Field(repr=False),
    ] = Path("var/audit")
    origin: Annotated[
        str,
        AfterValidator(log_name),
        Expected(
            "имя журнала без пробелов и знака +, до 100 знаков, у каждой установки своё",
            "the log's name without blanks and plus signs, up to 100 characters, each installation's own",
        ),
    ] = "dnevnik-bridge"
    signing_key: Annotated[Secret, named("[audit] signing_key"), _SECRET]
    master_key: Annotated[Secret, named("[audit] master_key"), _SECRET]
    witnesses: Annotated[
        tuple[Annotated[str, AfterValidator(witness_url)], ...],
        Field(strict=False),
        Expected("список адресов вида https://узел/путь", "a list of URLs like https://host/path"),
    ] = ()
    witness_keys: Annotated[
        tuple[Annotated[str, AfterValidator(witness_key)], ...],
        AfterValidator(one_each),
        Field(strict=False),
        Expected(
            "список ключей проверки свидетелей, по одному на адрес (dnevnik witness show)",
            "a list of the witnesses' verifier keys, one for each URL (dnevnik witness show)",
        ),
    ] = ()
    witness_authorities: Annotated[
        Annotated[Secret, named("[audit] witness_authorities")] | None, BeforeValidator(blank_is_none), _SECRET
    ] = None
    quorum: Annotated[
        int,
        AfterValidator(quorum_of),
        Expected(
            "сколько свидетелей должны заверить: от 1 до их числа; 0 — больше половины",
            "how many witnesses have to cosign: 1 to their number; 0: more than half",
        ),
    ] = 0
    witness_patience_minutes: Annotated[
        int,
        Field(ge=0, le=10_080),
        Expected("целое число минут от 0 до 10080", "a whole number of minutes, 0 to 10080"),
    ] = 60
    witness_every_seconds: Seconds = 60
    witness_timeout: Seconds = 10
    copies: Annotated[
        Path | None,
        BeforeValidator(optional_path),
        Expected("папка для копий контрольных отметок", "a folder for copies of the checkpoints"),
    ] = None
    copies_every_minutes: Annotated[
        int,
        Field(ge=0, le=10_080),
        Expected("целое число минут от 0 до 10080", "a whole number of minutes, 0 to 10080"),
    ] = 60
    mail_to: Annotated[
        tuple[Annotated[str, AfterValidator(mail_address)], ...],
        Field(strict=False),
        Expected("список адресов эл. почты", "a list of e-mail addresses"),
    ] = ()
    mail_from: Annotated[str, AfterValidator(lambda value: value and mail_address(value)), _MAIL] = ""
    mail_host: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9.:-]{0,253}$"),
        AfterValidator(mail_server),
        Expected("имя почтового сервера, если задан mail_to", "the mail server's name, where there is mail_to"),
    ] = ""
    mail_port: Annotated[int, Field(ge=1, le=65_535), Expected("номер порта", "a port's number")] = 587
    mail_security: Annotated[
        Literal["starttls", "tls", "none"],
        Expected(
            '"starttls", "tls" или "none" (только на этой машине)', '"starttls", "tls" or "none" (this machine only)'
        ),
    ] = "starttls"
    mail_user: Annotated[str, StringConstraints(max_length=200), _TEXT] = ""
    mail_password: Annotated[
        Annotated[Secret, named("[audit] mail_password")] | None, BeforeValidator(blank_is_none), _SECRET
    ] = None
    mail_authorities: Annotated[
        Annotated[Secret, named("[audit] mail_authorities")] | None, BeforeValidator(blank_is_none), _SECRET
    ] = None


class ConsentSection(Section):
    """The consent's text and the procedure's terms, in days; alarms come `alarm_days` before a term is over.

    `processor_name`, `processor_address`: who processes for the schools, where the text does not name them.
    """

    text_version: Text = "2025-09"
    response_days: Days = 7
    destroy_days: Days = 30
    two_persons: Annotated[bool, Expected("true или false", "true or false")] = True
    correction_days: Days = 7
    answer_days: Days = 10
    alarm_days: Count = 2
    processor_name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), _TEXT] = ""
    processor_address: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), _TEXT] = ""
    texts: Annotated[
        Path | None,
        BeforeValidator(optional_path),
        Expected("папка с текстами согласий (ВЕРСИЯ.toml)", "a folder of consent texts (VERSION.toml)"),
    ] = None
    calendar: Annotated[
        Path | None,
        BeforeValidator(optional_path),
        Expected("путь к файлу производственного календаря", "the path of a calendar of working days"),
    ] = None


class ActualitySection(Section):
    """When a lesson counts as filled in time, what share of lessons should be, and what follows where it is not.

    `calendar`: the schools' days; a school may have a file, or a week, of its own.
    """

    lesson_filled_within_days: Annotated[
        int, Field(ge=0, le=366), Expected("целое число дней от 0 до 366", "a whole number of days, 0 to 366")
    ] = 2
    target: Share = 0.95
    below_target: Annotated[
        Literal["warn", "hold"],
        Expected(
            '"warn" (назвать в отчёте) или "hold" (задержать передачу школы)',
            '"warn" (name it in the report) or "hold" (hold the school\'s exchange)',
        ),
    ] = "warn"
    calendar: SchoolDaysFile = None


class LimitsSection(Section):
    """What a run may change without asking; changes of at most `small_change` records never hold."""

    withdraw_share: Share = 0.10
    withdraw_count: Count = 200
    change_share: Share = 0.75
    small_change: Count = 2


class ReadingSection(Section):
    """How often all of a school is read: in between, a run reads the journals that changed. 0: always all."""

    full_every_days: Annotated[
        int, Field(ge=0, le=31), Expected("целое число дней от 0 до 31", "a whole number of days, 0 to 31")
    ] = 7


class SchoolSection(Section):
    """One school: its database, how to read it, when."""

    code: Annotated[
        str,
        Field(pattern=r"^[0-9A-Za-z-]{1,16}$"),
        Expected(
            'латинские буквы, цифры и дефисы в кавычках, от 1 до 16, например "0252"',
            'quoted Latin letters, digits and hyphens, 1 to 16, like "0252"',
        ),
    ]
    name: Annotated[Text, Field(default_factory=lambda earlier: earlier.get("code", "-")), _TEXT]
    district: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), _TEXT] = ""
    address: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), _TEXT] = ""
    source: Annotated[
        str,
        AfterValidator(school_source),
        Expected(
            "адрес базы SQLAlchemy, odbc:DSN=…, file:школа.fdb или file:школа.fbk",
            "a SQLAlchemy URL, odbc:DSN=…, file:school.fdb or file:school.fbk",
        ),
        Field(repr=False),
    ]
    source_password: Annotated[Annotated[Secret, named("[[school]] {code}: source_password")] | None, _SECRET] = None
    profile: Annotated[
        str,
        AfterValidator(known_profile),
        Expected("имя профиля: папка в mappings/", "a profile's name: a folder in mappings/"),
    ] = "paragraf"
    schedule: Annotated[
        Annotated[str, AfterValidator(cron_schedule)] | None,
        Expected('расписание cron, например "15 19 * * 1-6"', 'a cron schedule, like "15 19 * * 1-6"'),
    ] = None
    pilot_classes: Annotated[
        tuple[Text, ...],
        Field(strict=False),
        Expected('список классов, например ["5А"]', 'a list of classes, like ["5А"]'),
    ] = ()
    paused: Annotated[
        tuple[Annotated[Pause, BeforeValidator(pause)], ...],
        Field(strict=False),
        Expected(
            'список сроков, например ["2027-06-01/2027-08-31"]', 'a list of spans, like ["2027-06-01/2027-08-31"]'
        ),
    ] = ()

    calendar: SchoolDaysFile = None
    school_week: Annotated[
        Literal[5, 6] | None,
        Expected("учебных дней в неделе: 5 или 6", "days of the school week: 5 or 6"),
    ] = None

    def paused_on(self, day: date) -> bool:
        """Tell whether the school's exchange rests on `day`."""
        return any(span.covers(day) for span in self.paused)


class Settings(Section):
    """The whole installation, and the file that describes it."""

    bridge: BridgeSection
    portal: PortalSection
    audit: AuditSection
    consent: ConsentSection
    actuality: ActualitySection
    limits: LimitsSection
    reading: ReadingSection = ReadingSection()
    schools: Annotated[tuple[SchoolSection, ...], Field(alias="school", strict=False)]
    _file: Path = PrivateAttr()

    def model_post_init(self, context: object, /) -> None:
        """Remember the file that was read."""
        if isinstance(context, ReadingContext):
            self._file = context.file

    @property
    def file(self) -> Path:
        """The absolute path of the file that was read."""
        return self._file

    def school(self, code: str) -> SchoolSection:
        """Return the school of that code. Raises BridgeError `school-unknown`."""
        for school in self.schools:
            if school.code == code:
                return school
        known = ", ".join(school.code for school in self.schools) or "—"
        raise BridgeError("school-unknown", _UNKNOWN_SCHOOL, {"file": self.file, "school": code, "known": known})

    def school_days(self, school: SchoolSection) -> SchoolCalendar:
        """Return a school's days: its own calendar, else the installation's, else a week without vacations."""
        calendar = school.calendar or self.actuality.calendar or SchoolCalendar()
        return calendar if school.school_week is None else replace(calendar, week=school.school_week)

    @property
    def calendar_files(self) -> tuple[Path, ...]:
        """The files of school days that were read with this one."""
        calendars = (self.actuality.calendar, *(school.calendar for school in self.schools))
        return tuple(one.file for one in calendars if one is not None and one.file is not None)

    def chosen(self, codes: Sequence[str] = ()) -> tuple[SchoolSection, ...]:
        """Return the schools of these codes, each once, in the file's order; no codes: all.

        Raises BridgeError `school-unknown`, and `no-schools` when the file has none.
        """
        wanted = {self.school(code).code for code in codes}
        found = tuple(school for school in self.schools if not wanted or school.code in wanted)
        if not found:
            raise BridgeError("no-schools", _NO_SCHOOLS, {"file": self.file})
        return found
