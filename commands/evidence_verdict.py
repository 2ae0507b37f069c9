"""`dnevnik audit verify EVIDENCE.zip`: the verdict of the package's own program, and a count against the whole log.

Rules. The verification is `audit.verify_evidence`, the file that lies in each package, and nothing else. Without
`--key` the installation's own key counts as the log's where there is one, and so do those that it replaced and did not
revoke. Without `--witness` the configured witnesses are those who are believed; the configured quorum then says up to
where the log is witnessed, and only `--quorum` refuses a package that fewer signed: one made while a witness was away,
or before there were any, is no less whole. With a log at hand (`--against`) the entries
are selected from it anew, by the same rule: what the package leaves out is told by its number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.errors import AuditError
from audit.evidence import find
from audit.keys import load_signing_key
from audit.location import open_store
from audit.note import Checkpoint
from audit.verify import verify_log
from audit.verify_evidence import EvidenceError, Verdict, told, verify
from commands.audit_log import installation_former_keys
from commands.call import Call
from journal.wording import BridgeError, ExitStatus, Language, Wording

_UNREADABLE = Wording(
    ru="{file}: файл не читается. Проверьте путь и право чтения",
    en="{file}: the file can't be read. Check its path and the right to read",
)
_WRONG = Wording(ru="{file}: {ru}", en="{file}: {en}")
_LEFT_OUT = Wording(
    ru="{file}: в пакете нет записей журнала: {numbers}. Потребуйте пакет заново",
    en="{file}: entries of the log are missing from the package: {numbers}. Ask for a new one",
)
_ANOTHER_LOG = Wording(
    ru="{log}: журнал не продолжает отметку пакета или повреждён. Сверять не с чем: dnevnik audit verify",
    en="{log}: the log doesn't continue the package's checkpoint, or is damaged: dnevnik audit verify",
)
_NOTHING_LEFT_OUT = Wording(
    ru="По журналу ничего не опущено: записей за срок {in_span}, об ученике {count}",
    en="By the log nothing is left out: {in_span} entries in the span, {count} of the student",
)
_MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whom the reader trusts, as typed: the log's `key`, `witnesses`, how many of these, checkpoints kept elsewhere.

    What is None or empty is taken from the installation, where there is one.
    """

    key: str | None = None
    witnesses: Sequence[str] = ()
    quorum: int | None = None
    checkpoints: Sequence[Path] = ()


def verify_package(call: Call, file: Path, trusted: Trusted, *, against: str | None = None) -> ExitStatus:
    """Verify a package and say what it shows.

    Raises BridgeError `evidence-wrong`, `evidence-unreadable`, `evidence-left-out`, `evidence-other-log`.
    """
    keys = _own_keys(call) if trusted.key is None else [trusted.key]
    witnesses, quorum = (trusted.witnesses, 0) if trusted.witnesses else _own_witnesses(call)
    verdict = refusal = None
    try:
        kept = [_read(one) for one in trusted.checkpoints]
        verdict = verify(_read(file), keys=keys, witnesses=witnesses, kept=kept, quorum=trusted.quorum or 0)
    except EvidenceError as error:
        refusal = BridgeError("evidence-wrong", _WRONG, {"file": file, "ru": error.ru, "en": error.en})
    if verdict is None:
        raise refusal or AssertionError
    russian = call.console.language == Language.RU
    wanted = quorum if trusted.quorum is None else trusted.quorum
    for ru, en in told(verdict, complete=against is not None, quorum=wanted):
        call.console.result(ru if russian else en)
    if against is not None:
        _count_again(call, file, verdict, against)
    return ExitStatus.DONE


def _count_again(call: Call, file: Path, verdict: Verdict, log: str) -> None:
    """Select from the whole log anew. Raises BridgeError `evidence-left-out`, `evidence-other-log`."""
    head = verdict.head
    at_that_time = Checkpoint(head.origin, head.size, head.root, b"")
    if not verify_log(log, None, earlier=[at_that_time]).ok:
        raise BridgeError("evidence-other-log", _ANOTHER_LOG, {"log": log})
    store = open_store(log)
    try:
        found = find(store.read, at_that_time, verdict.asked)
    finally:
        store.close()
    given = {number for number, _ in verdict.entries}
    missing = [str(number) for number, _ in found.entries if number not in given]
    if missing or found.in_span != verdict.in_span:
        numbers = ", ".join(missing[:_MOST_TOLD]) + (", …" if len(missing) > _MOST_TOLD else "")
        raise BridgeError("evidence-left-out", _LEFT_OUT, {"file": file, "numbers": numbers or "?"})
    call.console.say(_NOTHING_LEFT_OUT, in_span=found.in_span, count=len(found.entries))


def _own_keys(call: Call) -> list[str]:
    """Return the installation's verifier key and those that it replaced and did not revoke, where there are any."""
    try:
        settings = call.settings()
        secret = settings.audit.signing_key
        if not secret.exists:
            return []
        present = load_signing_key(secret.read(), settings.audit.origin).verifier
        return [present.vkey, *(key.vkey for key in installation_former_keys(settings))]
    except (BridgeError, AuditError):
        return []


def _own_witnesses(call: Call) -> tuple[tuple[str, ...], int]:
    """Return the keys of the installation's witnesses, and how many of them it wants."""
    try:
        audit = call.settings().audit
    except BridgeError:
        return (), 0
    return tuple(audit.witness_keys), audit.quorum


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        pass
    raise BridgeError("evidence-unreadable", _UNREADABLE, {"file": file})
