"""What every test sees: `tests/` on the path, so that the oracles and fakes there are importable."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))

TAKE_MINUTES = {"test_state_machine_desk", "test_state_machine", "test_two_writers", "test_kills"}

settings.register_profile("untimed", deadline=None)  # how long an example takes is for bench/ to say
settings.load_profile("untimed")

_search = None
"""What was looked through for canaries: personal data that may stand nowhere but where they are kept by purpose."""


@pytest.fixture(scope="session", autouse=True)
def _no_canary_got_out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail the run, by its last test, where personal data are found in what it left or printed (`canaries`)."""
    global _search  # noqa: PLW0603  one a run; the hook below has no fixture
    from canaries import Search  # noqa: PLC0415  it opens Firebird, which not every test needs

    _search = Search()
    yield
    _search.through(tmp_path_factory.getbasetemp())
    if _search.passed:
        sys.stderr.write(f"\ncanaries: {_search.looked} files looked at, {_search.passed} not come to in time\n")
    if _search.leaks:
        pytest.fail("personal data where none may be:\n" + "\n".join(_search.leaks), pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the files that take minutes begin first, so that no worker waits for another's last one."""
    items.sort(key=lambda item: item.path.stem not in TAKE_MINUTES)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Look through what a test wrote to stderr and to logs, and what it failed with."""
    if _search is None:
        return
    for title, text in report.sections:
        if "stdout" not in title:  # commands show names there to whoever asks for them
            _search.in_text(f"{report.nodeid} ({title})", text)
    if report.failed:
        _search.in_text(f"{report.nodeid} (how it failed)", report.longreprtext)


@pytest.fixture(autouse=True)
def _no_operator_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep an operator's own variables out of the tests."""
    for name in ("DNEVNIK_CONFIG", "PREFECT_API_URL", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
