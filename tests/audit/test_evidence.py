"""Evidence packages: what is in them, that they are verified by their one file alone, that no change goes unseen."""

import ast
import base64
import io
import json
import random
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from fakes.postgresql import postgresql
from worlds.evidence_world import (
    ACCOUNT,
    LINK,
    ORIGIN,
    STUDENT,
    at,
    checkpoint_of,
    entries,
    manifest_of,
    package,
    resealed,
)

from audit import tree, verify_evidence
from audit.cosigning import cosign, cosigner_key, with_lines
from audit.entry import canonical as canonical_entry
from audit.keys import SigningKey, create_signing_key, load_signing_key
from audit.location import open_store
from audit.log import open_log
from audit.note import Checkpoint
from audit.tiles import node_reader
from audit.verify_evidence import CONSENTS, ENTRIES, MANIFEST, TABLE, EvidenceError, canonical, pack, unpack, verify

INTERPRETER = getattr(sys, "_base_executable", sys.executable)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder from which `cryptography` can be imported, and nothing else that is installed."""
    folder = tmp_path_factory.mktemp("bare")
    for name in ("cryptography", "cffi", "_cffi_backend"):
        found = Path(str(find_spec(name).origin))
        source = found.parent if found.name == "__init__.py" else found
        (folder / source.name).symlink_to(source)
    return folder


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> bytes:
    return package(str(tmp_path_factory.mktemp("evidence") / "log"), key, earlier=9)


def run_alone(bare: Path, file: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the very program that lies in a package, without site-packages and without the project."""
    program = folder / "verify_evidence.py"
    start = (
        f"import sys, runpy; sys.path.append({str(bare)!r}); sys.argv = {[str(program), str(file), *arguments]!r}; "
        f"runpy.run_path({str(program)!r}, run_name='__main__')"
    )
    command = [INTERPRETER, "-I", "-S", "-W", "error", "-c", start]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env={"LANG": "C.UTF-8"}, check=False)


def unpack_loosely(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(params=["folder", "sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "postgresql":
        with postgresql() as url:
            yield url
    else:
        yield str(tmp_path / "log") if request.param == "folder" else f"sqlite:///{tmp_path / 'audit.db'}"


def test_a_package_is_verified_by_its_own_program_alone(
    anywhere: str, key: SigningKey, bare: Path, tmp_path: Path
) -> None:
    file = tmp_path / "evidence.zip"
    file.write_bytes(package(anywhere, key, earlier=9))
    (tmp_path / "verify_evidence.py").write_bytes(unpack_loosely(file.read_bytes())["verify_evidence.py"])
    done = run_alone(bare, file, tmp_path, "--key", key.verifier.vkey)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 8
    assert "Accounts: 3 references" in done.stdout
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    file.write_bytes(changed)
    done = run_alone(bare, file, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 2  # one sentence, in two languages
    absent = run_alone(bare, file, tmp_path, "--checkpoint", str(tmp_path / "absent"))
    assert (absent.returncode, len(absent.stderr.splitlines())) == (2, 2)


def test_its_program_is_one_file_that_python_3_9_reads() -> None:
    source = Path(verify_evidence.__file__).read_text("utf-8")
    parsed = ast.parse(source, feature_version=(3, 9))
    named = {node.module or "" for node in ast.walk(parsed) if isinstance(node, ast.ImportFrom)}
    named |= {alias.name for node in ast.walk(parsed) if isinstance(node, ast.Import) for alias in node.names}
    outer = {name.split(".")[0] for name in named} - sys.stdlib_module_names
    assert outer == {"cryptography"}
    assert not [n for n in ast.walk(parsed) if isinstance(n, ast.keyword) and n.arg in {"slots", "kw_only", "strict"}]


def test_it_holds_what_the_log_says_of_the_student_in_that_time_and_nothing_else(ours: bytes) -> None:
    wanted = [(number, canonical_entry(entry)) for number, (entry, speaks) in enumerate(entries()) if speaks]
    verdict = verify(ours)
    assert [(number, canonical(entry).encode()) for number, entry in verdict.entries] == wanted
    in_span = sum(at(0) <= entry.at < at(60) for entry, _ in entries())
    assert verdict.in_span == in_span
    assert verdict.head.size == len(entries())
    table = unpack(ours)[TABLE].decode("utf-8-sig").splitlines()
    assert len(table) == 1 + len(wanted)
    assert "r-1:1:publish r-2:1:publish" in unpack(ours)[TABLE].decode()


def test_accounts_are_named_and_each_reference_is_computed_again(ours: bytes, key: SigningKey) -> None:
    members = unpack(ours)
    assert ACCOUNT.encode() not in members[ENTRIES]
    assert [line.split(";")[10] for line in members[TABLE].decode().splitlines()].count(ACCOUNT) == 3
    assert verify(ours).accounts == 3
    consents = json.loads(members[CONSENTS])
    (case,) = consents["cases"]
    wrong_key = {**consents, "account_key": "00" * 32}
    wrong_name = {**consents, "cases": [{**case, "account": "pa-55811"}]}
    # An account that the student does have, named for the link of another one.
    exchanged = {**consents, "cases": [{**case, "link": "ln-2"}, {**case, "link": LINK, "account": "pa-2"}]}
    for lie in (wrong_key, wrong_name, exchanged):
        changed = with_consents(members, lie)
        with pytest.raises(EvidenceError, match="another account"):
            verify(resealed(changed, key))
    for garbled in (
        {"account_key": "zz" * 32},
        {"account_key": 7},
        {"cases": [7]},
        {"cases": [{**case, "account": 1}]},
    ):
        with pytest.raises(EvidenceError, match=r"consents\.json"):
            verify(resealed({**members, CONSENTS: canonical({**consents, **garbled}).encode() + b"\n"}, key))


def test_a_signature_line_stands_there_once(ours: bytes, key: SigningKey) -> None:
    members = unpack(ours)
    for name in ("checkpoint", "earlier-checkpoint", MANIFEST):
        line = members[name].splitlines(keepends=True)[-1]
        assert line.startswith("— ".encode())
        doubled = {**members, name: members[name] + line}
        with pytest.raises(EvidenceError, match="signature number 2"):
            verify(pack(doubled) if name == MANIFEST else resealed(doubled, key))


def test_without_the_account_key_references_stay_closed_and_it_says_so(ours: bytes, key: SigningKey) -> None:
    members = unpack(ours)
    consents = json.loads(members[CONSENTS])
    del consents["account_key"]
    verdict = verify(resealed(with_consents(members, consents), key))
    assert verdict.accounts is None
    assert "aren't named" in verify_evidence.told(verdict)[2][1]
    assert ACCOUNT.encode() not in with_consents(members, consents)[TABLE]


def with_consents(members: dict[str, bytes], consents: dict[str, object]) -> dict[str, bytes]:
    """The members with other consents, and the table that fits them."""
    changed = {**members, CONSENTS: canonical(consents).encode() + b"\n"}
    return {**changed, TABLE: table_of(members[ENTRIES].splitlines(), changed)}


def test_any_unzip_reads_it(ours: bytes) -> None:
    assert unpack_loosely(ours) == unpack(ours)


def test_the_same_in_gives_the_same_out(tmp_path: Path, key: SigningKey, ours: bytes) -> None:
    assert package(str(tmp_path / "log"), key, earlier=9) == ours
    assert package(f"sqlite:///{tmp_path}/audit.db", key, earlier=9) == ours


def test_without_a_key_it_only_fits_itself(ours: bytes, key: SigningKey) -> None:
    assert not verify(ours).key_known
    assert verify(ours, keys=[key.verifier.vkey]).key_known
    other = load_signing_key(create_signing_key(), ORIGIN)
    with pytest.raises(EvidenceError):
        verify(ours, keys=[other.verifier.vkey])


def test_a_checkpoint_kept_elsewhere_tells_a_rewritten_log(tmp_path: Path, key: SigningKey, ours: bytes) -> None:
    log = open_log(tmp_path / "log", key, ORIGIN)
    told = [entry for entry, _ in entries()]
    kept = [log.append(told[:9]).note, log.append(told[9:]).note]
    verify(ours, kept=kept)
    for size in (9, len(told)):
        forked = Checkpoint.sign(ORIGIN, size, b"\1" * 32, key).note
        with pytest.raises(EvidenceError, match="rewritten"):
            verify(ours, kept=[forked])
    with pytest.raises(EvidenceError, match="whole log"):
        verify(ours, kept=[Checkpoint.sign(ORIGIN, 5, b"\1" * 32, key).note])


def test_a_quorum_of_witnesses_is_asked_for(ours: bytes) -> None:
    with pytest.raises(EvidenceError, match="keys were given: 0"):
        verify(ours, quorum=1)


@pytest.mark.parametrize("where", ["newest", "earlier"])
def test_witnesses_vouch_for_what_stood_in_the_log_when_they_signed(
    tmp_path: Path, key: SigningKey, bare: Path, where: str
) -> None:
    ours, other, stranger = (load_signing_key(create_signing_key(), name) for name in ("w.one", "w.two", "w.three"))
    location = str(tmp_path / "log")
    whole = unpack(package(location, key, earlier=9))
    log = open_log(location, key, ORIGIN)
    size = log.checkpoint().size if where == "newest" else 9
    told = [entry for entry, _ in entries()]
    head = log.checkpoint() if where == "newest" else open_log(tmp_path / "young", key, ORIGIN).append(told[:9])
    note = with_lines(head.note, [cosign(head.note, one, 1_800_000_000) for one in (ours, stranger)])
    cosigned = Checkpoint.parse(note)
    keys = [cosigner_key(one) for one in (ours, other)]
    file = tmp_path / "evidence.zip"
    file.write_bytes(
        package(location, key, grow=False, witnesses=keys, **{"head" if where == "newest" else "remembered": cosigned})
    )
    verdict = verify(file.read_bytes(), quorum=1, witnesses=[keys[0].vkey])
    assert (verdict.witnesses, verdict.witnessed(), verdict.witnessed(2)) == ([("w.one", size)], size, 0)
    for quorum, trusted in ((2, []), (1, [keys[1].vkey]), (1, [cosigner_key(stranger).vkey])):
        with pytest.raises(EvidenceError, match="witnesses"):
            verify(file.read_bytes(), quorum=quorum, witnesses=trusted)
    (tmp_path / "verify_evidence.py").write_bytes(whole["verify_evidence.py"])
    done = run_alone(bare, file, tmp_path, "--quorum", "1", "--witness", keys[0].vkey)
    assert (done.returncode, done.stderr) == (0, "")
    members = unpack(file.read_bytes())
    name = "checkpoint" if where == "newest" else "earlier-checkpoint"
    bare_note = {**members, name: head.note}
    for changed in (resealed(bare_note, key), resealed(members, key, witnesses=[keys[1].vkey])):
        with pytest.raises(EvidenceError):
            verify(changed)


@pytest.fixture(scope="module")
def cosigned(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> tuple[bytes, int, list[str]]:
    """A package whose earlier checkpoint (9 entries) two witnesses signed and its newest one only the third.

    Gives its newest size and the three keys.
    """
    folder = tmp_path_factory.mktemp("cosigned")
    log, young = open_log(folder / "log", key, ORIGIN), open_log(folder / "young", key, ORIGIN)
    told = [entry for entry, _ in entries()]
    log.append(told)
    three = [load_signing_key(create_signing_key(), name) for name in ("w.one", "w.two", "w.fake")]

    def signed(head: Checkpoint, *by: SigningKey) -> Checkpoint:
        return Checkpoint.parse(with_lines(head.note, [cosign(head.note, one, 1_800_000_000) for one in by]))

    made = package(
        str(folder / "log"),
        key,
        grow=False,
        witnesses=[cosigner_key(one) for one in three],
        head=signed(log.checkpoint(), three[2]),
        remembered=signed(young.append(told[:9]), *three[:2]),
    )
    return made, len(told), [cosigner_key(one).vkey for one in three]


def test_a_witness_vouches_for_what_it_signed_itself_and_for_nothing_that_another_did(
    cosigned: tuple[bytes, int, list[str]],
) -> None:
    made, size, (one, two, fake) = cosigned
    both = verify(made, witnesses=[one, two], quorum=2)
    assert both.witnesses == [("w.one", 9), ("w.two", 9)]
    assert both.strangers == [("w.fake", size)]
    assert (both.witnessed(), both.witnessed(2), both.witnessed(3)) == (9, 9, 0)
    everybody = verify(made, witnesses=[one, two, fake])
    assert [everybody.witnessed(quorum) for quorum in (0, 1, 2, 3, 4)] == [size, size, 9, 9, 0]
    beyond = sum(number >= 9 for number, _ in both.entries)
    said = dict(verify_evidence.told(both, quorum=2))
    (ru,) = [ru for ru in said if "чьи ключи вы дали" in ru]
    assert "w.one (9); w.two (9)" in ru
    assert f"без подтверждения: {beyond}" in ru
    assert f"first 9 entries are witnessed; entries of the package beyond these: {beyond}" in said[ru]
    assert "w.fake" not in said[ru]
    assert any(en.startswith("Not counted") and f"w.fake ({size})" in en for en in said.values())


def test_witness_keys_that_only_the_package_names_prove_nothing(cosigned: tuple[bytes, int, list[str]]) -> None:
    made, size, (one, two, fake) = cosigned
    verdict = verify(made)
    assert (verdict.witnesses, verdict.witnessed(), verdict.witnesses_known) == ([], 0, False)
    assert verdict.strangers[0] == ("w.fake", size)
    said = verify_evidence.told(verdict)
    assert any("из самого пакета и ничего не доказывают" in ru and "prove nothing" in en for ru, en in said)
    for trusted, quorum in (([], 1), ([one, two], 3), ([one, one], 2)):
        with pytest.raises(EvidenceError, match=f"{quorum} are needed"):
            verify(made, witnesses=trusted, quorum=quorum)
    assert verify(made, witnesses=[fake], quorum=1).witnessed() == size


def test_a_witness_that_the_package_names_twice_counts_once(
    cosigned: tuple[bytes, int, list[str]], key: SigningKey
) -> None:
    made, _, (one, two, fake) = cosigned
    twice = resealed(unpack(made), key, witnesses=[fake, one, one, two])
    assert len(verify(twice, witnesses=[one]).witnesses) == 1
    with pytest.raises(EvidenceError, match="2 are needed"):
        verify(twice, witnesses=[one], quorum=2)


def test_a_damaged_log_gives_no_package(tmp_path: Path, key: SigningKey) -> None:
    package(str(tmp_path / "log"), key)
    bundle = next(path for path in (tmp_path / "log/tile/entries").rglob("*") if path.is_file())
    bundle.write_bytes(bundle.read_bytes().replace(b"r-1", b"r-9"))
    with pytest.raises(EvidenceError, match="as number"):
        package(str(tmp_path / "log"), key, grow=False)


def test_its_tree_is_the_logs_tree() -> None:
    """The program has its own few lines of RFC 6962; they agree with the log's for all small sizes."""
    leaves = [tree.leaf_hash(bytes([number])) for number in range(33)]
    assert [verify_evidence.leaf_hash(bytes([number])) for number in range(33)] == leaves

    def node(level: int, index: int) -> bytes:
        return tree.root_hash(leaves[index << level : (index + 1) << level])

    for size in range(1, 34):
        root = tree.root_hash(leaves[:size])
        for index in range(size):
            proof = tree.inclusion_proof(index, size, node)
            assert verify_evidence.stands_in(leaves[index], index, size, proof, root)
            assert not verify_evidence.stands_in(leaves[index], index + 1, size, proof, root)
            assert not verify_evidence.stands_in(leaves[index], index, size, [*proof, root], root)
            assert not proof or not verify_evidence.stands_in(leaves[index], index, size, proof[:-1], root)
        for old in range(1, size + 1):
            path = tree.consistency_proof(old, size, node)
            before = tree.root_hash(leaves[:old])
            assert verify_evidence.continues(old, size, before, root, path)
            assert not verify_evidence.continues(old, size, root if old < size else b"\0" * 32, root, path)
            assert not verify_evidence.continues(old, size, before, root, [*path, root])


# Changes of every sort. Who makes them has no key, or one of their own, or (the operator) the log's own.

Members = dict[str, bytes]
Change = Callable[[Members, random.Random], "Members | bytes"]


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    start, end = sorted((chance.randrange(len(data)), chance.randrange(len(data) + 1)))
    return data[:start] + data[end:] if start < end else data[:-1]


def raw_change(whole: bytes, chance: random.Random) -> bytes:
    """Change the archive itself, its members untouched or not."""
    members = unpack(whole)
    name = chance.choice(sorted(members))
    other = chance.choice(["../evil", "/etc/passwd", "evidence.csv ", "EVIDENCE.CSV", "names.json/../x"])
    changes: list[Callable[[], bytes]] = [
        lambda: flipped(whole, chance),
        lambda: cut(whole, chance),
        lambda: whole + bytes(chance.randrange(1, 9)),
        lambda: bytes(chance.randrange(1, 9)) + whole,
        lambda: zipped([*members.items(), (name, members[name] + b" ")]),  # doubled
        lambda: zipped([*members.items(), (other, b"x")]),
        lambda: zipped(members.items(), compressed=True),  # what a bomb is made of
    ]
    return chance.choice(changes)()


def zipped(members: object, *, compressed: bool = False) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of doubled names
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
            for name, data in members:
                archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def member_change(members: Members, chance: random.Random) -> Members:
    name = chance.choice(sorted(members.keys() - {MANIFEST}))
    way = chance.randrange(3)
    if way == 0:
        return {**members, name: flipped(members[name], chance)}
    if way == 1:
        return {**members, name: cut(members[name], chance)}
    return {other: data for other, data in members.items() if other != name}


def proven_change(members: Members, chance: random.Random) -> Members:
    """Change what even the log's owner can't change: entries, proofs, table, checkpoint."""
    lines = members[ENTRIES].splitlines(keepends=True)
    number = chance.randrange(len(lines))
    told = json.loads(lines[number])
    way = chance.randrange(9)
    if way == 8:  # another account, or another key to open the references with
        return with_consents(members, other_accounts(members, chance))
    if way == 0:
        return {**members, TABLE: flipped(members[TABLE], chance)}
    if way == 1:
        return {**members, TABLE: cut(members[TABLE], chance)}
    if way == 2:  # two entries change places
        other = chance.choice([n for n in range(len(lines)) if n != number])
        lines[number], lines[other] = lines[other], lines[number]
    elif way == 3:  # an entry doubled
        lines.insert(number, lines[number])
    elif way == 4:  # an entry altered in one letter or digit
        text = canonical(told["entry"])
        places = [place for place, letter in enumerate(text) if letter.isalnum()]
        place = chance.choice(places)
        letter = chance.choice([one for one in "0123456789abcdef" if one != text[place]])
        try:
            told["entry"] = json.loads(text[:place] + letter + text[place + 1 :])
        except ValueError:
            told["entry"]["kind"] = "x"
        lines[number] = canonical(told).encode() + b"\n"
    elif way == 5:  # another number
        told["index"] = chance.choice([n for n in range(-1, 99) if n != told["index"]])
        lines[number] = canonical(told).encode() + b"\n"
    elif way == 6:  # a proof cut, longer, or of another
        proofs = [told["proof"][:-1], [*told["proof"], told["proof"][0]], told["proof"][::-1], []]
        told["proof"] = chance.choice(proofs)
        lines[number] = canonical(told).encode() + b"\n"
    else:  # another head of the same log
        return {**members, "checkpoint": flipped(members["checkpoint"], chance)}
    return {**members, ENTRIES: b"".join(lines), TABLE: table_of(lines, members)}


def other_accounts(members: Members, chance: random.Random) -> dict[str, object]:
    consents = json.loads(members[CONSENTS])
    if chance.randrange(2):
        return {**consents, "account_key": chance.randbytes(32).hex()}
    cases = [{**case, "account": f"pa-{chance.randrange(10**6)}x"} for case in consents["cases"]]
    return {**consents, "cases": cases}


def table_of(lines: list[bytes], members: Members) -> bytes:
    """The table that fits the lines and the accounts named, so that it is not what gives them away."""
    try:
        told = [json.loads(line) for line in lines]
        accounts = verify_evidence.read_accounts(json.loads(members[CONSENTS]))
        named = {} if accounts is None else accounts.named
        return verify_evidence.table([(one["index"], one["entry"]) for one in told], named)
    except (KeyError, TypeError, ValueError):
        return members[TABLE]


def one_change(whole: bytes, chance: random.Random, key: SigningKey, stranger: SigningKey) -> bytes:
    members = unpack(whole)
    way = chance.randrange(6)
    if way == 0:
        return raw_change(whole, chance)
    if way == 1:
        return pack(member_change(members, chance))
    if way == 2:
        return resealed(member_change(members, chance), None)
    if way == 3:
        return resealed(member_change(members, chance), stranger)
    if way == 4:
        return resealed(proven_change(members, chance), key)
    return resealed(members, key, **manifest_change(members, chance))


def manifest_change(members: Members, chance: random.Random) -> dict[str, object]:
    """A manifest that its owner signs and that does not fit the log."""
    told = manifest_of(members)
    head = checkpoint_of(members)
    return chance.choice(
        [
            {"student": "st-other"},
            {"links": []},
            {"entries": told["entries"] - 1},
            {"size": head.size + 1},
            {"root": told["earlier"]["root"]},
            {"from": "2026-11-24T16:45:00.000000Z"},
            {"to": "2026-11-24T16:45:00.000000Z"},
            {"earlier": {**told["earlier"], "size": told["earlier"]["size"] + chance.choice([-1, 1, 90])}},
            {"earlier": {**told["earlier"], "proof": told["earlier"]["proof"][1:]}},
            {"witnesses": ["w.example+00000000+BA=="]},
            {"school": "0253"},
        ]
    )


def is_refused(data: bytes, keys: list[str]) -> bool:
    try:
        verify(data, keys=keys)
    except EvidenceError:
        return True
    return False


@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_changes_are_all_found(ours: bytes, key: SigningKey, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  to be repeated
    stranger = load_signing_key(create_signing_key(), ORIGIN)
    trusted = [key.verifier.vkey]
    verify(ours, keys=trusted)
    for number in range(1000):
        changed = one_change(ours, chance, key, stranger)
        assert changed != ours
        assert is_refused(changed, trusted), f"seed {seed}, change {number} was not found"


def test_a_record_of_another_student_is_no_part_of_a_package(ours: bytes, key: SigningKey, tmp_path: Path) -> None:
    """The operator adds a true entry, with its true proof, that isn't this student's."""
    location = str(tmp_path / "log")
    package(location, key, earlier=9)
    log = open_log(location, key, ORIGIN)
    line = list(log.entries())[4]
    members = unpack(ours)
    lines = members[ENTRIES].splitlines(keepends=True)
    size = log.checkpoint().size
    proof = tree.inclusion_proof(4, size, node_reader(open_store(location).read, size))
    told = {"index": 4, "entry": json.loads(line), "proof": [base64.b64encode(one).decode() for one in proof]}
    lines.insert(2, canonical(told).encode() + b"\n")
    changed = {**members, ENTRIES: b"".join(lines), TABLE: table_of(lines, members)}
    with pytest.raises(EvidenceError, match="isn't about this student"):
        verify(resealed(changed, key, entries=len(lines)))


def test_no_archive_is_larger_than_what_it_holds(ours: bytes) -> None:
    """A bomb needs compression or overlapping members; the one form of the archive has neither."""
    assert len(ours) < sum(map(len, unpack(ours).values())) + 2000
    with pytest.raises(EvidenceError, match="MiB"):
        unpack(bytes(verify_evidence.LARGEST + 1))


def test_its_student_is_an_opaque_id(ours: bytes) -> None:
    assert manifest_of(unpack(ours))["student"] == STUDENT
