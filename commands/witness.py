"""`dnevnik witness`: runs a witness of other people's audit logs, on its own machine, from one folder and nothing else.

Rules. `init` makes a key (0600) and writes down whose logs are served; it overwrites nothing, and run again it adds
logs. `drop-key` refuses a log's key for good, because it was stolen or is out of use. `show` prints the key that
bridges are to trust, and what was last seen, under which key. `serve` refuses to begin with a folder that doesn't hold
together; while it runs it heeds what the others write. None of them reads an installation's file or a database.
"""

import signal
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from audit.cosigning import cosigner_key, verify_cosignatures
from audit.note import Checkpoint, VerifierKey
from audit.witness_folder import (
    KEY_FILE,
    Witness,
    add_log_keys,
    by_origin,
    make_witness,
    read_dropped_keys,
    read_witness,
    refuse_dropped,
)
from audit.witness_server import WitnessServer
from commands.call import Call
from journal.wording import BridgeError, ExitStatus, Wording

_MADE = Wording(
    ru="{path}: ключ свидетеля создан. Храните его копию отдельно", en="{path}: key made. Keep a copy apart"
)
_KEY = Wording(
    ru="Ключ проверки для моста (witness_keys): {vkey}", en="Verifier key for the bridge (witness_keys): {vkey}"
)
_SERVED = Wording(ru="Заверяет журнал: {vkey}", en="Serves the log: {vkey}")
_DROPPED = Wording(ru="Больше не принимает: {vkey}", en="Refuses for good: {vkey}")
_TELL = Wording(
    ru="{origin}: под этим ключом больше ничего не заверяется, работающий serve уже знает. Сообщите владельцу моста "
    "число записей ниже: если у него их меньше, журнал продолжил кто-то другой (docs/witness.md)",
    en="{origin}: nothing more is cosigned under this key, a running serve knows it. Tell the bridge's owner the "
    "number of entries below: if the bridge has fewer, somebody else continued the log (docs/witness.md)",
)
_SEEN = Wording(
    ru="{origin}: последняя заверенная отметка: записей {size}, {when}, подписана ключом {key}",
    en="{origin}: newest cosigned checkpoint: {size} entries, {when}, signed by the key {key}",
)
_NOT_SEEN = Wording(ru="{origin}: ещё ничего не заверено", en="{origin}: nothing cosigned yet")
_NO_LOGS = Wording(
    ru="{folder}: не сказано, чьи журналы заверять. Добавьте ключ проверки журнала: --log-key СТРОКА (её печатает "
    "dnevnik init у моста)",
    en="{folder}: no log to serve. Add a log's verifier key: --log-key LINE (`dnevnik init` of the bridge prints it)",
)
_LISTEN = Wording(
    ru="--listen: ожидалось АДРЕС:ПОРТ, например 127.0.0.1:8100", en="--listen: HOST:PORT expected, like 127.0.0.1:8100"
)
_NO_PORT = Wording(
    ru="{listen}: слушать нельзя ({reason}). Возьмите другой адрес или порт",
    en="{listen}: can't listen there ({reason}). Take another address or port",
)
_TLS = Wording(
    ru="--certificate: файл с сертификатом и ключом (PEM) не читается: {path}. Проверьте путь и содержимое",
    en="--certificate: no certificate with its key (PEM) can be read from {path}. Check path and content",
)
_LISTENING = Wording(ru="Свидетель {name} слушает {url}", en="The witness {name} listens on {url}")


def initialize(call: Call, folder: Path, name: str, log_keys: Sequence[str]) -> ExitStatus:
    """Make a witness in a folder, or add logs to the one there. Raises AuditError, for a wrong name or key too."""
    keys = [VerifierKey.parse(line) for line in log_keys]
    if make_witness(folder, name):
        call.console.say(_MADE, path=folder / KEY_FILE)
    add_log_keys(folder, keys)
    return show(call, folder)


def show(call: Call, folder: Path) -> ExitStatus:
    """Print the witness's verifier key, the logs that it serves and what it last cosigned. Raises AuditError."""
    key = read_witness(folder)
    witness, dropped = Witness(folder, key), read_dropped_keys(folder)
    call.console.say(_KEY, vkey=cosigner_key(key).vkey)
    seen = {checkpoint.origin: checkpoint for checkpoint in witness.check()}
    for origin, keys in witness.served().items():
        for one in keys:
            call.console.say(_SERVED, vkey=one.vkey)
        for one in dropped:
            if one.name == origin:
                call.console.say(_DROPPED, vkey=one.vkey)
        if origin in seen:
            (own,) = verify_cosignatures(seen[origin].note, [cosigner_key(key)])
            when = datetime.fromtimestamp(own.moment, UTC).isoformat(timespec="seconds")
            signer = _signer(seen[origin], [*keys, *dropped])
            call.console.say(_SEEN, origin=origin, size=seen[origin].size, when=when, key=signer)
        else:
            call.console.say(_NOT_SEEN, origin=origin)
    return ExitStatus.DONE


def drop_key(call: Call, folder: Path, log_key: str) -> ExitStatus:
    """Refuse a log's key for good, and say what was cosigned last. Raises AuditError."""
    key = VerifierKey.parse(log_key)
    Witness(folder, read_witness(folder)).drop(key)
    call.console.say(_TELL, origin=key.name)
    return show(call, folder)


def serve(call: Call, folder: Path, listen: str, log_keys: Sequence[str], certificate: Path | None) -> ExitStatus:
    """Answer until stopped (SIGTERM, Ctrl+C). Raises BridgeError, AuditError."""
    key = read_witness(folder)
    given = [VerifierKey.parse(line) for line in log_keys]
    refuse_dropped(folder, given)
    witness = Witness(folder, key, by_origin(given))
    if not any(witness.served().values()):
        raise BridgeError("no-logs", _NO_LOGS, {"folder": folder})
    witness.check()
    server = _open(witness, listen, None if certificate is None else _tls(certificate))
    with server, suppress(KeyboardInterrupt):
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        call.console.result(_LISTENING.say(call.console.language, name=key.verifier.name, url=server.url))
        server.serve_forever()
    return ExitStatus.DONE


def _signer(checkpoint: Checkpoint, keys: Sequence[VerifierKey]) -> str:
    """Return the ids of the log's keys that signed a checkpoint: a change of key is signed by two."""
    signed = [key.key_id.hex() for key in keys if checkpoint.signed_by([key]) is not None]
    return ", ".join(dict.fromkeys(signed)) or "?"


def _open(witness: Witness, listen: str, tls: ssl.SSLContext | None) -> WitnessServer:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004  the largest port
        raise BridgeError("listen", _LISTEN)
    try:
        return WitnessServer(witness, (host.strip("[]"), int(port)), tls)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    raise BridgeError("listen", _NO_PORT, {"listen": listen, "reason": reason})


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate)
    except (OSError, ssl.SSLError):
        pass
    else:
        return context
    raise BridgeError("certificate", _TLS, {"path": certificate})
