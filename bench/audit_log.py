"""Figure 6: the audit log against bare hashing: appends, the verification of a million entries, one entry's proof.

The rival of an append takes SHA-256 of the same canonical bytes, writes them to a file and flushes it: durable, and
proves nothing. The rival of a verification reads the same bundles and does no more than SHA-256 has to: the leaf hash
of each entry and the hashes of the tree above, in plain hashlib. Beside it stands SHA-256 over the bundles' bytes in
one stream, which is no tree and no check of anything. The bridge besides holds every tile against the entries, every
entry against the forms that entries have, the root against the signature, and looks for strangers.
"""

import hashlib
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from rounds import Figures, by_turns, ratio, told

from audit.entry import DisclosureIntended, Ground, RecordAction, canonical
from audit.keys import SigningKey, create_signing_key, load_signing_key
from audit.log import AuditLog, open_log
from audit.note import Checkpoint
from audit.tiles import BUNDLES, Tile, node_reader, split_entries, tiles_at
from audit.tree import inclusion_proof, leaf_hash, verify_inclusion
from audit.verify import verify_log

ORIGIN = "bench.example/audit"
MILLION = 1_000_000
ROUNDS = 5
PROOFS = 200
START = datetime(2026, 11, 24, 16, 15, tzinfo=UTC)


def entry(number: int) -> DisclosureIntended:
    """Return one student's part of a batch: three records, one account; ids of the lengths that the bridge makes."""
    batch, student = divmod(number, 200)
    return DisclosureIntended(
        at=START + timedelta(seconds=batch),
        run=f"{batch // 200:032x}",
        school="0252",
        batch=hashlib.sha256(b"%d" % batch).hexdigest(),
        student=f"{student:032x}",
        records=tuple(RecordAction(f"{number:024x}{record:08x}", 1, "publish") for record in range(3)),
        grounds=(Ground(f"{student:032x}", f"{student:032x}", f"{student:064x}"),),
        request_digest=hashlib.sha256(b"request %d" % batch).hexdigest(),
        basis="consent",
        software="dnevnik-bridge/0.1.0",
    )


def timed(work: Callable[[], object]) -> Figures:
    """Return the seconds and the CPU seconds (of started processes too) that some work takes."""
    before, started = cpu(), time.perf_counter()
    work()
    return {"s": time.perf_counter() - started, "cpu": cpu() - before}


def cpu() -> float:
    """Return the CPU seconds of this process and of those it waited for."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def appends(folder: Path, key: SigningKey, at_once: int, times: int) -> None:
    """Measure appends of `at_once` entries against the bare hashing and flushing of their bytes."""
    log = open_log(folder / f"appends-{at_once}", key, ORIGIN)
    log.append([entry(number) for number in range(1000)])
    numbers = count(1000, at_once)
    file = os.open(folder / f"bare-{at_once}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def audited() -> Figures:
        batches = [[entry(first + number) for number in range(at_once)] for first in _some(numbers, times)]
        return _rate(lambda: [log.append(batch) for batch in batches], at_once * times)

    def bare() -> Figures:
        batches = [[canonical(entry(first + number)) for number in range(at_once)] for first in _some(numbers, times)]

        def write() -> None:
            for lines in batches:
                for line in lines:
                    hashlib.sha256(line).digest()
                os.write(file, b"\n".join(lines))
                os.fsync(file)

        return _rate(write, at_once * times)

    measured = by_turns({"bridge": audited, "bare": bare}, ROUNDS)
    os.close(file)
    print(f"  {at_once} at once: bridge {told(measured['bridge'], 'entries/s')} entries/s, SHA-256 and fsync ", end="")
    print(f"{told(measured['bare'], 'entries/s')}, ", end="")
    print(f"bridge / bare {ratio(measured['bridge'], measured['bare'], 'entries/s', most=True)}", flush=True)


def _some(numbers: Iterator[int], times: int) -> list[int]:
    return [next(numbers) for _ in range(times)]


def _rate(work: Callable[[], object], entries: int) -> Figures:
    return {"entries/s": entries / timed(work)["s"]}


def million(folder: Path, key: SigningKey) -> AuditLog:
    """Return a log of a million entries."""
    log = open_log(folder, key, ORIGIN)
    for first in range(0, MILLION, 50_000):
        log.append([entry(number) for number in range(first, first + 50_000)])
    return log


def bundles(folder: Path) -> Iterator[bytes]:
    """Give the bytes of every bundle."""
    for tile in tiles_at(BUNDLES, MILLION):
        yield (folder / tile.path).read_bytes()


def bare_tree(folder: Path) -> None:
    """Hash every entry and all of the tree but its last few hashes."""
    sha256 = hashlib.sha256
    for bundle in bundles(folder):
        at, level = 0, []
        while at < len(bundle):
            end = at + 2 + bundle[at] * 256 + bundle[at + 1]
            level.append(sha256(b"\x00" + bundle[at + 2 : end]).digest())
            at = end
        while len(level) > 1:
            pairs = iter(level)
            level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]


def bare_stream(folder: Path) -> None:
    """Hash the bundles' bytes one after the other."""
    stream = hashlib.sha256()
    for bundle in bundles(folder):
        stream.update(bundle)


def verification(folder: Path, key: SigningKey) -> None:
    """Measure the verification of a million entries."""

    def verify() -> None:
        verdict = verify_log(folder, key.verifier)
        if not verdict.ok or verdict.size != MILLION:
            sys.exit("the log that was made isn't whole")

    sides: dict[str, Callable[[], Figures]] = {
        "verify": lambda: timed(verify),
        "tree": lambda: timed(lambda: bare_tree(folder)),
        "stream": lambda: timed(lambda: bare_stream(folder)),
    }
    measured = by_turns(sides, ROUNDS)
    print(f"  verification {told(measured['verify'], 's', '.2f')} s, CPU {told(measured['verify'], 'cpu', '.2f')} s")
    for side, name in (("tree", "SHA-256 of leaves and tree"), ("stream", "SHA-256 in one stream")):
        print(f"  {name} {told(measured[side], 's', '.2f')} s, CPU {told(measured[side], 'cpu', '.2f')} s; ", end="")
        print(f"verification / this {ratio(measured['verify'], measured[side], 's')}, ", end="")
        print(f"CPU {ratio(measured['verify'], measured[side], 'cpu')}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  peak memory of one of its processes {peak:.0f} MiB")


def proofs(folder: Path, key: SigningKey) -> None:
    """Measure what one entry's proof takes: made from the files, then verified up to the signature."""

    def prove() -> None:
        for number in range(7, MILLION, MILLION // PROOFS):
            checkpoint = Checkpoint.parse((folder / "checkpoint").read_bytes())
            node = node_reader(
                lambda path: (folder / path).read_bytes() if (folder / path).is_file() else None, MILLION
            )
            proof = inclusion_proof(number, MILLION, node)
            bundle = Tile(BUNDLES, number // 256, min(256, MILLION - number // 256 * 256))
            leaf = leaf_hash(split_entries((folder / bundle.path).read_bytes())[number % 256])
            proven = verify_inclusion(leaf, number, MILLION, proof, checkpoint.root)
            if not proven or checkpoint.signed_by([key.verifier]) is None:
                sys.exit("a proof wasn't accepted")

    rounds = [{"ms": timed(prove)["s"] / PROOFS * 1000} for _ in range(ROUNDS)]
    print(f"  one entry's proof, made and verified: {told(rounds, 'ms', '.2f')} ms", flush=True)


def main() -> None:
    """Print the figures."""
    folder = Path(sys.argv[1])
    key = load_signing_key(create_signing_key(), ORIGIN)
    print(f"6. The audit log, {len(canonical(entry(12345)))} bytes an entry, {ROUNDS} rounds")
    for at_once, times in ((1, 100), (200, 10)):
        appends(folder, key, at_once, times)
    log = million(folder / "million", key)
    log.close()
    verification(folder / "million", key)
    proofs(folder / "million", key)


if __name__ == "__main__":
    main()
