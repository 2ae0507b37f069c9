"""How `check`, and a run before it begins, speak of certificates that are too old, too young, or nearly over."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import check_outside
from commands.check_outside import look_at_certificate
from connectors.portal.check import PortalProbe
from sandbox.authority import Authority, Purpose
from settings import Secret

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("since", "until", "mark", "said", "less"),
    [
        (-DAY, 31 * DAY, "✓", "2026-12-26", ""),
        (-DAY, 29 * DAY, "!", "2026-12-24", "Ask the authority"),
        (-DAY, 8 * DAY, "!", "2026-12-03", "Ask the authority"),
        (-DAY, 6 * DAY, "!", "2026-12-01", "less than 7 days"),
        (-DAY, 2 * DAY, "!", "2026-11-27", "less than 7 days"),
        (-DAY, DAY / 2, "!", "2026-11-26", "less than 1 days"),
        (-2 * DAY, -DAY, "✗", "2026-11-24", "expired"),
        (DAY, 40 * DAY, "✗", "2026-11-26", "clock"),
    ],
)
def test_dates(tmp_path: Path, since: timedelta, until: timedelta, mark: str, said: str, less: str) -> None:
    authority = Authority.create("Made-up", NOW)
    made = authority.issue("bridge", Purpose.TLS_CLIENT, not_before=NOW + since, not_after=NOW + until)
    (tmp_path / "tls.pem").write_bytes(made.pem)
    secret = Secret("[portal] client_certificate", tmp_path / "bridge.toml", path=tmp_path / "tls.pem")
    (finding,) = look_at_certificate(secret, NOW)
    assert finding.condition == mark
    assert said in finding.en
    assert said in finding.ru
    assert less in finding.en


@pytest.mark.parametrize(
    ("ends", "marks"),
    [((50, 40), "✓"), ((50, 6), "!"), ((6, 50), "!"), ((-1, 50), "✓!"), ((50, -1), "✓!"), ((-1, -2), "✗")],
)
def test_all_authorities_are_watched_and_one_that_is_over_harms_nothing_beside_another(
    tmp_path: Path, ends: Sequence[int], marks: str
) -> None:
    made = [
        Authority.create("City", NOW).issue(
            "portal", Purpose.SIGNING, not_before=NOW - 90 * DAY, not_after=NOW + end * DAY
        )
        for end in ends
    ]
    (tmp_path / "ca.pem").write_bytes(b"".join(one.certificate_pem for one in made))
    secret = Secret("[portal] authorities", tmp_path / "bridge.toml", path=tmp_path / "ca.pem")
    found = "".join(finding.condition for finding in look_at_certificate(secret, NOW))
    assert found.startswith(marks)
    assert set(found[1:]) <= {"!"}


def test_the_portals_own_certificates_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    class Made:
        def probe(self, _connection: object, _school: object) -> PortalProbe:
            ends = {"TLS": NOW + 40 * DAY, "WS-Security": NOW + 6 * DAY}
            return PortalProbe(reached=True, understood=True, clock_difference=timedelta(0), problem=None, ends=ends)

    class Nothing:
        connector = "made"
        schools = ()
        portal = property(lambda self: self)

    monkeypatch.setattr(check_outside, "connector", lambda _: Made())
    monkeypatch.setattr(check_outside, "portal_connection", lambda _: None)
    fine, soon, clock = check_outside.look_at_portal(Nothing(), NOW)
    assert (fine.condition, soon.condition, clock.condition) == ("✓", "!", "✓")
    assert "WS-Security" in soon.ru
    assert "2026-12-01" in soon.en
