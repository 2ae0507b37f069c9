"""Words for people about witnesses and copies: why one has not cosigned, and who contradicts the log."""

from collections.abc import Mapping
from datetime import datetime

from audit.cosigning_client import Failing
from audit.cosigning_round import CLOCK_AHEAD, NO_COSIGNATURE, UNKNOWN_KEY, UNKNOWN_LOG, UNSTEADY
from journal.wording import Wording

LOG_FILE = Wording(ru="файл checkpoint.cosigned рядом с ним", en="the file checkpoint.cosigned beside it")
DATABASE_WORD = Wording(ru="база обмена", en="the bridge's database")
COPIES = Wording(ru="папка копий ([audit] copies)", en="the folder of copies ([audit] copies)")

_WHY: Mapping[str, Wording] = {
    Failing.NO_ADDRESS: Wording(ru="имя узла не находится", en="its host's name isn't found"),
    Failing.NO_CONNECTION: Wording(ru="нет соединения", en="no connection"),
    Failing.TLS: Wording(ru="его сертификату нет доверия", en="its certificate isn't trusted"),
    Failing.TIMEOUT: Wording(ru="не ответил вовремя", en="no answer in time"),
    Failing.CUT: Wording(ru="оборвал ответ", en="broke its answer off"),
    Failing.NO_HTTP: Wording(ru="ответил не по HTTP", en="its answer is no HTTP"),
    Failing.TOO_LARGE: Wording(ru="слишком длинный ответ", en="its answer is too long"),
    UNKNOWN_LOG: Wording(ru="не знает этого журнала: его владелец должен добавить", en="its owner has to add this log"),
    UNKNOWN_KEY: Wording(
        ru="не знает ключа журнала или отказался от него: его владелец должен добавить действующий",
        en="it doesn't know the log's key or dropped it: its owner has to add the present one",
    ),
    NO_COSIGNATURE: Wording(ru="подпись не его ключом из witness_keys", en="not signed by its key in witness_keys"),
    CLOCK_AHEAD: Wording(ru="его часы спешат", en="its clock is ahead"),
    UNSTEADY: Wording(ru="ответы противоречат друг другу", en="its answers contradict each other"),
}

_CONTRADICTED = Wording(
    ru="Журнал аудита ({size} записей) не продолжает отметку, которую знает {where} ({known} записей): он обрезан, "
    "переписан или восстановлен из старой копии. Ничего не отправлено. Верните новейшую копию журнала и проверьте: "
    "dnevnik audit verify",
    en="The audit log ({size} entries) doesn't continue the checkpoint that {where} knows ({known} entries): it was "
    "cut, rewritten or put back from an older copy. Nothing was sent. Restore the newest copy of the log, then check: "
    "dnevnik audit verify",
)

_STILL = Wording(
    ru="Свидетель {url} знает другой или более длинный журнал аудита (узнано {since}) и этого пока не заверил. Ничего "
    "не отправлено и не записано. Если журнал здесь обрезан или возвращён из копии, верните новейшую и проверьте: "
    "dnevnik audit verify, затем dnevnik check. Если здесь всё цело, у свидетеля его продолжил кто-то с украденным "
    "ключом или ошибся сам свидетель: действуйте по docs/witness.md",
    en="The witness {url} knows another or a longer audit log (heard {since}) and has not cosigned this one since. "
    "Nothing was sent or entered. If the log here was cut or put back, restore the newest copy, then check: dnevnik "
    "audit verify, dnevnik check. If all is whole here, somebody with a stolen key continued it at the witness, or the "
    "witness erred: do as docs/witness.md says",
)


def why(trouble: str) -> Wording:
    """Return the words for why a witness has not cosigned."""
    return _WHY.get(trouble, Wording(ru=f"отказал ({trouble})", en=f"refused ({trouble})"))


def still_contradicted(url: str, since: datetime | None) -> Wording:
    """Return what is said when a witness contradicted the log at `since` and has not cosigned it after."""
    heard = "—" if since is None else since.isoformat(timespec="minutes")
    return Wording(_STILL.ru.format(url=url, since=heard), _STILL.en.format(url=url, since=heard))


def contradicted(where: Wording, known: int, size: int) -> Wording:
    """Return what is said when the log of `size` entries does not continue a checkpoint of `known` entries."""
    return Wording(
        _CONTRADICTED.ru.format(where=where.ru, known=known, size=size),
        _CONTRADICTED.en.format(where=where.en, known=known, size=size),
    )
