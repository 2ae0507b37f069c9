"""How `check` speaks of certificates that are too old, too young, or nearly over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.check_outside import look_at_certificate
from sandbox.authority import Authority, Purpose
from settings import Secret

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("since", "until", "mark", "said"),
    [
        (-DAY, 31 * DAY, "✓", "2026-12-26"),
        (-DAY, 29 * DAY, "!", "2026-12-24"),
        (-2 * DAY, -DAY, "✗", "2026-11-24"),
        (DAY, 40 * DAY, "✗", "2026-11-26"),
    ],
)
def test_dates(tmp_path: Path, since: timedelta, until: timedelta, mark: str, said: str) -> None:
    authority = Authority.create("Made-up", NOW)
    made = authority.issue("bridge", Purpose.TLS_CLIENT, not_before=NOW + since, not_after=NOW + until)
    (tmp_path / "tls.pem").write_bytes(made.pem)
    secret = Secret("[portal] client_certificate", tmp_path / "bridge.toml", path=tmp_path / "tls.pem")
    (finding,) = look_at_certificate(secret, NOW)
    assert finding.condition == mark
    assert said in finding.en
    assert said in finding.ru
