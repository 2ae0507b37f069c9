"""The throw-away certificates are what TLS and WS-Security libraries expect."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from sandbox.authority import Authority, AuthorityFiles, Purpose, ensure_authority, write_authority

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)


def test_files_are_private_and_made_once(tmp_path: Path) -> None:
    files = write_authority(tmp_path / "keys", NOW)
    assert {path.stat().st_mode & 0o777 for path in files.all} == {0o600}
    before = [path.read_bytes() for path in files.all]
    assert ensure_authority(tmp_path / "keys", NOW) == AuthorityFiles(tmp_path / "keys")
    assert [path.read_bytes() for path in files.all] == before
    files.portal_tls.unlink()
    ensure_authority(tmp_path / "keys", NOW)
    assert [path.read_bytes() for path in files.all] != before


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_server_certificate_satisfies_the_webs_own_rules(host: str) -> None:
    authority = Authority.create("City", NOW)
    leaf = authority.issue("localhost", Purpose.TLS_SERVER).certificate
    name = x509.DNSName("localhost") if host == "localhost" else x509.IPAddress(_address(host))
    verifier = PolicyBuilder().store(Store([authority.credential.certificate])).time(NOW).build_server_verifier(name)
    assert verifier.verify(leaf, [])[0] == leaf


def _address(host: str):
    import ipaddress  # noqa: PLC0415

    return ipaddress.ip_address(host)


def test_each_side_trusts_only_the_others_authority(tmp_path: Path) -> None:
    files = write_authority(tmp_path, NOW)
    issuers = {
        path.name: x509.load_pem_x509_certificate(path.read_bytes()).issuer.rfc4514_string() for path in files.all
    }
    assert issuers["portal-tls.pem"] == issuers["portal-signing.pem"] == issuers["portal-ca.pem"]
    assert issuers["bridge-tls.pem"] == issuers["bridge-signing.pem"] == issuers["bridge-ca.pem"]
    assert issuers["portal-ca.pem"] != issuers["bridge-ca.pem"]


def test_dates_may_be_given() -> None:
    authority = Authority.create("City", NOW, life=timedelta(days=10))
    issued = authority.issue("Portal", Purpose.SIGNING).certificate
    assert issued.not_valid_after_utc == NOW + timedelta(days=10)
    expired = authority.issue("Portal", Purpose.SIGNING, not_after=NOW - timedelta(minutes=1)).certificate
    assert expired.not_valid_after_utc == NOW - timedelta(minutes=1)


def test_a_key_is_not_shown() -> None:
    credential = Authority.create("City", NOW).issue("Portal", Purpose.TLS_CLIENT)
    assert "key" not in repr(credential).replace("KeyUsage", "")
