"""TLS with the portal is not agreed: the sentence says whose certificate isn't believed, why, and what to do."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from worlds.wired_world import WiredWorld, lasting_keys, wired_world

from connectors.portals import connector
from flows.failures import describe
from flows.portal_certificate import WORDS
from flows.steps import sync_school
from journal.portal import PortalError, Resend
from sandbox.authority import write_authority

CODE = "0252"
DAY = timedelta(days=1)


def sentence(world: WiredWorld, **changes: object) -> tuple[str, str, str]:
    """Return the code and the two sentences of a sync by these settings; the portal was told nothing."""
    world.portal.close()
    world.portal = connector("diary-exchange-1").open_portal(replace(world.connection(), **changes))
    balance = sync_school(world.bridge(), CODE)
    assert balance.failure is not None
    assert (balance.sent, world.said()) == (0, [])
    return balance.failure.code, balance.failure.wording.ru, balance.failure.wording.en


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def lasting(tmp_path: Path, keys: Path) -> Iterator[WiredWorld]:
    lasting_keys(keys)
    with wired_world(tmp_path, keys) as made:
        yield made


@pytest.mark.parametrize(
    ("since", "life", "code", "why"),
    [
        (-30 * DAY, 10 * DAY, "portal-certificate-expired", ("срок истёк", "has expired")),
        (10 * DAY, 30 * DAY, "portal-certificate-not-yet-valid", ("ещё не начался", "not yet valid")),
    ],
)
def test_a_certificate_that_is_not_valid_now_names_this_machines_clock_too(
    tmp_path: Path, keys: Path, since: timedelta, life: timedelta, code: str, why: tuple[str, str]
) -> None:
    write_authority(keys, datetime.now(UTC) + since, life=life)
    with wired_world(tmp_path, keys) as world:
        found, *said = sentence(world)
    assert found == code
    for words, reason, clock in zip(said, why, ("часы этой машины", "this machine's clock"), strict=True):
        assert reason in words
        assert clock in words
        assert "NTP" in words
    assert said[0].startswith("Мост не верит сертификату портала")
    assert said[1].startswith("The bridge doesn't trust the portal's certificate")


def test_a_certificate_of_a_stranger_names_the_file_of_authorities(lasting: WiredWorld, keys: Path) -> None:
    code, ru, en = sentence(lasting, authorities=(keys / "bridge-ca.pem").read_bytes())
    assert code == "portal-certificate-unknown-authority"
    assert "[portal] authorities" in ru
    assert "[portal] authorities" in en
    assert "refused" not in en


def test_a_bridge_that_the_portal_does_not_know_is_told_that_it_is_the_bridge() -> None:
    failure = describe(PortalError("certificate-refused", Resend.FINAL))
    assert failure.code == "portal-certificate-refused"
    assert "client_certificate" in failure.wording.ru
    assert "The portal doesn't trust the bridge's certificate" in failure.wording.en


@pytest.mark.parametrize("code", sorted(WORDS))
def test_each_is_a_whole_sentence_with_its_code(code: str) -> None:
    for resend in Resend:
        wording = describe(PortalError(code, resend)).wording
        for said in (wording.ru, wording.en):
            assert f"({code})" in said
            assert "{" not in said
            assert "dnevnik check" in said or "url" in said
