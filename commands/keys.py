"""`dnevnik keys rotate-master`: a new master key takes the old one's place.

Rules. The order is that of `consent_registry.sealed.key_file`: new key durable, database committed, file renamed;
killed in between, the next command that opens the vault finishes it. The audit log gets the new key's id, never a
key. The old key stays beside the new one until a person deletes it, and the command says when. Nothing is sent anew:
what was sealed, and every digest, stays as it is.
"""

from collections.abc import Callable, Sequence

from sqlalchemy.engine import Connection

from audit.entry import Entry, KeyEvent
from commands.call import Call, utc_now
from commands.recording import recorder
from consent_registry.sealed.key_file import KeyFile
from consent_registry.sealed.rotation import close_gate, rotate
from consent_registry.sealed.vault import create_master_key, load_master_key
from journal.wording import BridgeError, ExitStatus, Wording

_ROTATED = Wording(
    ru="Главный ключ сменён: был {former}, теперь {present}. Запустите снова программы, работавшие во время смены",
    en="The master key was rotated: it was {former}, now it is {present}. Start again what was running meanwhile",
)
_BACK_UP = Wording(
    ru="Новый ключ: {path}. Сделайте копию в надёжном месте, отдельно от базы, и новую резервную копию базы. "
    "Если база общая для нескольких машин, положите этот файл на каждую",
    en="The new key: {path}. Keep a copy in a safe place, apart from the database, and make a new backup of the "
    "database. Where several machines share the database, put this file on each",
)
_OLD = Wording(
    ru="Прежний ключ: {path}. Он открывает только резервные копии базы, сделанные до смены. Есть новая копия базы: "
    "удалите его. Если он мог попасть в чужие руки: удалите сейчас, и прежние копии базы тоже",
    en="The former key: {path}. It opens only backups of the database made before this. Once there is a new backup, "
    "delete it. If it may be in other hands, delete it now, and the older backups too",
)
_NOT_A_FILE = Wording(
    ru="{file}: {key}: ключ берётся из переменной {name}, заменить его там нельзя. Запишите его в файл (0600), "
    'укажите {key} = "file:…" и повторите',
    en="{file}: {key}: the key comes from the variable {name}, where it can't be replaced. Write it into a file "
    '(0600), set {key} = "file:…" and do this again',
)
_NOT_RENAMED = Wording(
    ru="Главный ключ сменён (теперь {present}), но файл {path} не переименован ({reason}). Ключ лежит в {next} и "
    "будет найден там. Дайте право записи в эту папку и выполните: dnevnik check",
    en="The master key was rotated (now {present}), but the file {path} was not renamed ({reason}). The key lies in "
    "{next} and will be found there. Allow writing in this folder, then do: dnevnik check",
)


def rotate_master(call: Call, *, boundary: Callable[[str], None] = lambda _: None) -> ExitStatus:
    """Rotate the master key. Raises BridgeError; `boundary` is told how far it is.

    `master-key-in-environment`: it isn't in a file. `master-key-not-renamed`: it is done but for the file's name.
    """
    settings = call.settings()
    secret = settings.audit.master_key
    if secret.path is None:
        parameters = {"file": settings.file, "key": secret.key, "name": secret.name}
        raise BridgeError("master-key-in-environment", _NOT_A_FILE, dict(parameters))
    file = KeyFile(secret.path.resolve())
    content = create_master_key()
    with recorder(settings) as registry:
        former = registry.vault.master

        def work(connection: Connection) -> tuple[str, Sequence[Entry]]:
            close_gate(connection, registry.vault)
            boundary("gate-closed")
            file.write_next(content, former)
            boundary("written")
            renewed = rotate(connection, registry.vault, load_master_key(content))
            boundary("wrapped")
            return renewed.master, [KeyEvent(at=utc_now(), event="rotated", purpose="master", key=renewed.master)]

        present = registry.record(work)
    boundary("committed")
    _finish(file, present, boundary)
    call.console.say(_ROTATED, former=former, present=present)
    call.console.say(_BACK_UP, path=file.path)
    call.console.say(_OLD, path=file.old_of(former))
    return ExitStatus.DONE


def _finish(file: KeyFile, present: str, boundary: Callable[[str], None]) -> None:
    reason = None
    try:
        file.finish(present, boundary)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    if reason is not None:
        parameters = {"path": file.path, "next": file.next_of(present), "present": present, "reason": reason}
        raise BridgeError("master-key-not-renamed", _NOT_RENAMED, dict(parameters))
