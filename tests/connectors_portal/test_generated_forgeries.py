"""Hundreds of hostile replies, made by combination and sent over real TLS: none may be taken for an answer."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.forgeries.carried import CARRIED_FAMILIES
from fakes.forgeries.forger import Forger, Hostile
from fakes.forgeries.generated import SIGNED_FAMILIES
from fakes.forgeries.questions import questions
from fakes.reply_signing import signed
from fakes.scripted_server import ScriptedServer, http

from connectors.portal.soap_portal import PortalConnection, SoapPortal
from journal.portal import PortalError

FAMILIES = (*SIGNED_FAMILIES, *CARRIED_FAMILIES)
COUNTED: dict[str, int] = {}
DISTINCT: set[bytes] = set()


@pytest.fixture(scope="module")
def both(keys: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SoapPortal, ScriptedServer]]:
    folder: Path = tmp_path_factory.mktemp("server")
    server = ScriptedServer(folder, keys.portal_tls, keys.district)
    portal = SoapPortal(
        PortalConnection(
            url=server.url,
            client_certificate=keys.bridge_tls.pem,
            signing_key=keys.bridge_signing.pem,
            authorities=keys.city.credential.certificate_pem,
            connect_timeout=10,
            reply_timeout=20,
            now=lambda: datetime.now(UTC),
        )
    )
    yield portal, server
    portal.close()
    server.close()


def _problem(portal: SoapPortal, server: ScriptedServer, hostile: Hostile) -> str | None:
    """Return how the product failed on this reply; None when it refused it as it has to."""
    server.answer(*hostile.steps)
    server.received.clear()
    try:
        found = hostile.question.ask(portal)
    except PortalError as error:
        if error.said_by_portal:
            return f"{hostile.name}: its fault was believed ({error.code})"
        if error.resend is not hostile.question.resend:
            return f"{hostile.name}: {error.resend}, not {hostile.question.resend}"
        return f"{hostile.name}: says what is in it" if "orged" in str(error) else None
    except Exception as error:  # noqa: BLE001  whatever else is raised is a finding too
        return f"{hostile.name}: raised {type(error).__name__}"
    finally:
        server.scripts.clear()
    return f"{hostile.name}: taken ({type(found).__name__})"


def test_the_true_answers_are_taken(both: tuple[SoapPortal, ScriptedServer], keys: object) -> None:
    """The forgeries below are refused for what is wrong with them: without it each is an answer."""
    portal, server = both
    forger = Forger(keys, questions(portal))
    for question in forger.questions.values():
        for payload in (question.answer, question.lie):
            server.answer(http(signed(payload, forger.signer, forger.now)))
            question.ask(portal)
    server.answer(http(forger.handmade()))
    forger.questions["SubmitJournal"].ask(portal)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_no_forgery_of_this_family_is_taken(
    family: object, both: tuple[SoapPortal, ScriptedServer], keys: object
) -> None:
    portal, server = both
    count, problems = 0, []
    for hostile in family(Forger(keys, questions(portal))):
        count += 1
        DISTINCT.add(hashlib.sha256(f"{family.__name__}: {hostile.name}".encode()).digest())
        problem = _problem(portal, server, hostile)
        if problem:
            problems.append(problem)
    COUNTED[family.__name__] = count
    assert problems == []
    assert count >= 20


def test_there_are_many() -> None:
    print(f"hostile replies: {sum(COUNTED.values())}, distinct {len(DISTINCT)}, taken 0; {COUNTED}")  # noqa: T201  the figures
    if len(COUNTED) == len(FAMILIES):  # the file ran as a whole
        assert len(DISTINCT) == sum(COUNTED.values()) >= 150
