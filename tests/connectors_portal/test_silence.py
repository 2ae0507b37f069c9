"""Names, marks and e-mail addresses are in no log line, however talkative the logging is set."""

import logging
from datetime import UTC, date, datetime

import pytest
from fakes.reply_signing import signed
from fakes.scripted_server import ScriptedServer, http

from connectors.portal.soap_portal import SoapPortal
from journal.portal import PortalError
from journal.records import Publish
from journal.vocabulary import RecordKind

RARE = "Редкофамильцева"
APPLICATIONS = f"""
<ListApplicationsResponse xmlns="urn:diary-exchange:1" last="1">
  <application applicationId="ap-1" sequence="1" submittedAt="2026-10-01T08:00:00Z" relation="parent"
               consentTextVersion="1">
    <account accountId="a" email="rare@e.example"><lastName>{RARE}</lastName><firstName>А</firstName></account>
    <student birthDate="2015-02-03"><lastName>{RARE}</lastName><firstName>Б</firstName></student>
  </application>
</ListApplicationsResponse>""".encode()
BROKEN = [b'birthDate="2015-02-31"', b'birthDate="99999-02-03"', b'birthDate="2015-02-03" x="1"']


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def _silent(text: str) -> bool:
    return not any(word in text for word in (RARE, "rare@e.example", "2015-02-03"))


def test_reading_applications_says_nothing_of_them(
    portal: SoapPortal, server: ScriptedServer, keys: object, everything: pytest.LogCaptureFixture
) -> None:
    server.scripts.append(lambda _: [http(signed(APPLICATIONS, keys.portal_signing, datetime.now(UTC)))])
    page = portal.applications("0252", 0)
    assert page.applications[0].student.last_name == RARE
    assert _silent(everything.text)


@pytest.mark.parametrize("broken", BROKEN)
def test_a_reply_that_breaks_the_contract_is_refused_without_a_word_of_it(
    broken: bytes, portal: SoapPortal, server: ScriptedServer, keys: object, everything: pytest.LogCaptureFixture
) -> None:
    payload = APPLICATIONS.replace(b'birthDate="2015-02-03"', broken)
    server.scripts.append(lambda _: [http(signed(payload, keys.portal_signing, datetime.now(UTC)))])
    with pytest.raises(PortalError) as caught:
        portal.applications("0252", 0)
    assert caught.value.code == "reply-malformed"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert _silent(everything.text + repr(caught.value) + str(caught.value))


def test_sending_records_says_nothing_of_them(
    portal: SoapPortal, server: ScriptedServer, everything: pytest.LogCaptureFixture
) -> None:
    record = Publish("r-1", 1, "s-1", RecordKind.REMARK, "Физика", date(2026, 9, 1), comment=f"{RARE} опоздала")
    batch = portal.prepare("0252", [record], datetime.now(UTC))
    server.answer(http(b"<html/>", "500 Internal Server Error"))
    with pytest.raises(PortalError) as caught:
        portal.submit(batch)
    assert RARE.encode() in server.received[0].body.replace(b"\n", b"")
    assert _silent(everything.text + repr(caught.value) + str(caught.value))
