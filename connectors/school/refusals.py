"""What can go wrong between the bridge and a school's database, in words for people.

Rules. A driver's message may hold data, so none is ever passed on: a failure becomes one of the codes here,
with the school's code, the name of a table or column that the profile itself names, and the driver's own
error number. The error is raised outside the `except` block, so that it carries no cause.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from journal.wording import BridgeError, Wording

_UNREACHABLE = Wording(
    ru="База школы {school} недоступна ({detail}). Проверьте адрес и порт в source, сеть и что сервер базы запущен.",
    en="The database of school {school} can't be reached ({detail}). Check the address and port in source, the "
    "network, and that the database server runs.",
)
_FILE_MISSING = Wording(
    ru="Файла базы школы {school} нет или он не читается: {file}. Проверьте путь в source и права на файл.",
    en="The database file of school {school} is missing or can't be read: {file}. Check the path in source and the "
    "file's permissions.",
)
_FILE_BUSY = Wording(
    ru="Файл базы школы {school} занят другим сервером Firebird: {file}. Укажите в source адрес этого сервера или "
    "резервную копию (.fbk).",
    en="The database file of school {school} is in use by another Firebird server: {file}. Name that server's address "
    "in source, or a backup (.fbk).",
)
_FILE_FORMAT = Wording(
    ru="Файл базы школы {school} создан другой версией Firebird или повреждён: {file}. Сделайте резервную копию "
    "(gbak -b) и укажите в source файл .fbk или адрес сервера.",
    en="The database file of school {school} was made by another version of Firebird, or is damaged: {file}. Make a "
    "backup (gbak -b) and name the .fbk in source, or the server's address.",
)
_LOGIN_REFUSED = Wording(
    ru="База школы {school} не приняла имя или пароль ({detail}). Проверьте имя в source и пароль в source_password.",
    en="The database of school {school} refused the user name or password ({detail}). Check the name in source and "
    "the password in source_password.",
)
_NOT_PERMITTED = Wording(
    ru="Учётной записи моста нельзя читать {item} в базе школы {school}. Выдайте ей право SELECT.",
    en="The bridge's account may not read {item} in the database of school {school}. Grant it SELECT.",
)
_SCHEMA_DIFFERS = Wording(
    ru="В базе школы {school} нет {item}, а запрос {query}.sql профиля {profile} её читает. Проверьте, что это база "
    "журнала, или поправьте профиль.",
    en="The database of school {school} has no {item}, which the query {query}.sql of profile {profile} reads. Check "
    "that this is the journal's database, or correct the profile.",
)
_COLUMNS_DIFFER = Wording(
    ru="Запрос {query}.sql профиля {profile} вернул в базе школы {school} не те столбцы: нужны {item}.",
    en="The query {query}.sql of profile {profile} returned other columns in the database of school {school}: needed "
    "are {item}.",
)
_TYPE_DIFFERS = Wording(
    ru="В базе школы {school} столбец {item} запроса {query}.sql профиля {profile} не того типа.",
    en="In the database of school {school} the column {item} of the query {query}.sql of profile {profile} is of "
    "another type.",
)
_READING_FAILED = Wording(
    ru="Чтение базы школы {school} прервалось на запросе {query}.sql ({detail}). Повторите; если не поможет, "
    "проверьте базу её собственными средствами.",
    en="Reading the database of school {school} broke off at the query {query}.sql ({detail}). Try again; if that "
    "doesn't help, check the database with its own tools.",
)
_DRIVER_MISSING = Wording(
    ru="Для базы школы {school} нет драйвера ({detail}). Установите его или исправьте source.",
    en="There is no driver for the database of school {school} ({detail}). Install it, or correct source.",
)
_DRIVER_OF_OURS = Wording(
    ru="Для базы школы {school} нет драйвера ({detail}). Установите его: pip install {packages}, и начните source с "
    "{scheme}://",
    en="There is no driver for the database of school {school} ({detail}). Install it: pip install {packages}, and "
    "begin source with {scheme}://",
)
_CODE_DIFFERS = Wording(
    ru="В базе, указанной для школы {school}, записана другая школа. Исправьте code или source этой школы.",
    en="The database named for school {school} is another school's. Correct this school's code or source.",
)
_RESTORE_FAILED = Wording(
    ru="Резервная копия базы школы {school} не восстанавливается: {file} ({detail}). Сделайте копию заново (gbak -b).",
    en="The backup of school {school} can't be restored: {file} ({detail}). Make the backup anew (gbak -b).",
)

_Result = TypeVar("_Result")


def guarded(act: Callable[[], _Result], refusal: Callable[[Exception], BridgeError]) -> _Result:
    """Return what `act` returns; any failure of it is raised as the BridgeError that `refusal` makes of it.

    A BridgeError passes as it is. The new error has neither cause nor context.
    """
    try:
        return act()
    except BridgeError:
        raise
    except Exception as error:  # noqa: BLE001  drivers raise all sorts, and each message may hold data
        failure = refusal(error)
    raise failure


def unreachable(school: str, detail: str) -> BridgeError:
    """Say that the database doesn't answer."""
    return BridgeError("school-unreachable", _UNREACHABLE, {"school": school, "detail": detail})


def file_missing(school: str, file: str) -> BridgeError:
    """Say that the database file is not there or not readable."""
    return BridgeError("school-unreachable", _FILE_MISSING, {"school": school, "file": file})


def file_busy(school: str, file: str) -> BridgeError:
    """Say that another engine holds the database file."""
    return BridgeError("school-unreachable", _FILE_BUSY, {"school": school, "file": file})


def file_format(school: str, file: str) -> BridgeError:
    """Say that this engine can't read the database file."""
    return BridgeError("school-unreachable", _FILE_FORMAT, {"school": school, "file": file})


def restore_failed(school: str, file: str, detail: str) -> BridgeError:
    """Say that a backup could not be restored."""
    return BridgeError("school-unreachable", _RESTORE_FAILED, {"school": school, "file": file, "detail": detail})


def driver_missing(school: str, detail: str, scheme: str | None = None) -> BridgeError:
    """Say that this machine has no driver for the source; `scheme`: of the URL whose driver an extra of ours brings."""
    told: dict[str, object] = {"school": school, "detail": detail}
    if scheme is None:
        return BridgeError("school-driver-missing", _DRIVER_MISSING, told)
    told |= {"packages": f'"dnevnik-bridge[{scheme.partition("+")[0]}]"', "scheme": scheme}
    return BridgeError("school-driver-missing", _DRIVER_OF_OURS, told)


def login_refused(school: str, detail: str) -> BridgeError:
    """Say that the database refused the account."""
    return BridgeError("school-login-refused", _LOGIN_REFUSED, {"school": school, "detail": detail})


def not_permitted(school: str, item: str) -> BridgeError:
    """Say that the account may not read a table."""
    return BridgeError("school-not-permitted", _NOT_PERMITTED, {"school": school, "item": item})


def schema_differs(school: str, profile: str, query: str, item: str) -> BridgeError:
    """Say that a table or column of the profile is missing."""
    parameters: dict[str, object] = {"school": school, "profile": profile, "query": query, "item": item}
    return BridgeError("school-schema-differs", _SCHEMA_DIFFERS, parameters)


def columns_differ(school: str, profile: str, query: str, item: str) -> BridgeError:
    """Say that a query of the profile returns other columns than declared."""
    parameters: dict[str, object] = {"school": school, "profile": profile, "query": query, "item": item}
    return BridgeError("school-schema-differs", _COLUMNS_DIFFER, parameters)


def type_differs(school: str, profile: str, query: str, item: str) -> BridgeError:
    """Say that a column holds values of another type than declared."""
    parameters: dict[str, object] = {"school": school, "profile": profile, "query": query, "item": item}
    return BridgeError("school-schema-differs", _TYPE_DIFFERS, parameters)


def reading_failed(school: str, query: str, detail: str) -> BridgeError:
    """Say that a reading broke off."""
    return BridgeError("school-reading-failed", _READING_FAILED, {"school": school, "query": query, "detail": detail})


def code_differs(school: str) -> BridgeError:
    """Say that the database is another school's."""
    return BridgeError("school-code-differs", _CODE_DIFFERS, {"school": school})


def quoted(message: str, words: frozenset[str]) -> str | None:
    """Return the table or column that a driver's message complains of, if the query itself names it.

    Only words of the profile's own query are taken out of a message; nothing else of it is passed on.
    """
    for pattern in _COMPLAINTS:
        for found in pattern.findall(message):
            parts = re.sub("[\"'`]", "", found.upper()).split(".")
            if parts[-1] in words:
                return ".".join(part for part in parts if part in words)
    return None


_COMPLAINTS = (
    re.compile(r"unknown\s*-\s*([\w$.\"]+)"),  # Firebird
    re.compile(r"no such (?:table|column): ([\w$.]+)"),  # SQLite
    re.compile(r"(?:Unknown column|Table|for table) ([\w$.'`]+)"),  # MySQL, MariaDB
    re.compile(r"(?:relation|column|table) \"?([\w$.]+)\"? does not exist"),  # PostgreSQL
    re.compile(r"(?:TABLE|VIEW|relation|table|view) \"?([\w$.]+)"),  # permissions
)
