"""What every test sees: `tests/` on the path, so that the oracles and fakes there are importable."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))


@pytest.fixture(autouse=True)
def _no_operator_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep an operator's own variables out of the tests."""
    for name in ("DNEVNIK_CONFIG", "PREFECT_API_URL", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
