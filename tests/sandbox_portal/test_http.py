"""The portal's HTTP: keep-alive, the contract by GET, limits, the end of a stopped server."""

import email.utils
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree
from sandbox_portal.wire import CONTRACT, DIARY, Clock, RawClient, element, fault_code, journal, publish, put_link, rows

from sandbox.portal import PortalServer, serve

SERVICE = "/diary-exchange/1"


def get(raw: RawClient, path: str) -> tuple[int, bytes]:
    connection = raw.connection()
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_the_contract_is_served_with_the_portals_own_address(portal: PortalServer, raw: RawClient) -> None:
    status, wsdl = get(raw, f"{SERVICE}?wsdl")
    address = next(etree.fromstring(wsdl).iter("{http://schemas.xmlsoap.org/wsdl/soap/}address"))
    assert (status, address.attrib["location"]) == (200, portal.url)
    xsd = (CONTRACT / "diary-exchange-1.xsd").read_bytes()
    assert get(raw, f"{SERVICE}?xsd") == get(raw, "/diary-exchange/diary-exchange-1.xsd") == (200, xsd)
    assert get(raw, "/elsewhere")[0] == get(raw, SERVICE)[0] == 404


def test_one_connection_carries_many_requests(raw: RawClient) -> None:
    message = etree.tostring(raw.envelope(element("ListHoldings", school="0252")))
    headers = {"Content-Type": "text/xml", "SOAPAction": f"{DIARY}#ListHoldings"}
    connection = raw.connection()
    sockets = set()
    for _ in range(3):
        connection.request("POST", SERVICE, message, headers)
        sockets.add(id(connection.sock))
        assert connection.getresponse().read()
    connection.close()
    assert len(sockets) == 1


def test_requests_of_many_connections_are_all_taken(portal: PortalServer, raw: RawClient) -> None:
    batches = [journal([publish(f"r-{number}-{record}") for record in range(20)]) for number in range(12)]
    threads = [threading.Thread(target=raw.ok, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(portal, "SELECT count(*) FROM receipt") == [(12,)]
    assert rows(portal, "SELECT count(*) FROM holding") == [(240,)]


def test_a_batch_sent_twice_at_once_is_taken_once(portal: PortalServer, raw: RawClient) -> None:
    batch, duplicates = journal([publish("r-1")]), []
    message = raw.envelope(batch)

    def send() -> None:
        duplicates.append(raw.send(message, "SubmitJournal").attrib["duplicate"])

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(duplicates) == ["false"] + ["true"] * 5
    assert rows(portal, "SELECT count(*) FROM history") == [(1,)]


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({"Content-Type": "application/soap+xml"}, SERVICE, 415),
        ({}, "/elsewhere", 404),
        ({"Content-Length": "many"}, SERVICE, 411),
    ],
)
def test_what_is_not_meant_for_the_service_is_turned_away(
    raw: RawClient, headers: dict[str, str], path: str, status: int
) -> None:
    assert raw.post(b"<a/>", "PutLink", headers, path)[0] == status


def test_a_message_that_is_too_large_is_told_so(raw: RawClient) -> None:
    status, body = raw.post(b" " * (9 * 1024 * 1024), "SubmitJournal")
    assert (status, fault_code(raw.checked(body))) == (500, "TooLarge")


def test_a_request_cut_in_its_middle_takes_nothing(portal: PortalServer, raw: RawClient) -> None:
    message = etree.tostring(raw.envelope(journal([publish("r-1")])))
    connection = raw.connection()
    connection.putrequest("POST", SERVICE)
    connection.putheader("Content-Type", "text/xml")
    connection.putheader("Content-Length", str(len(message)))
    connection.endheaders(message[:-1])
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    raw.ok(put_link("l-1"))
    portal.stop()
    assert rows(portal, "SELECT operation FROM request_log") == [("PutLink",)]


def test_a_client_that_does_not_shake_hands_holds_nobody_up(portal: PortalServer, raw: RawClient) -> None:
    address = urlsplit(portal.url)
    with socket.create_connection((address.hostname, address.port)):
        raw.ok(put_link("l-1"))


def test_the_date_header_is_the_portals_clock(raw: RawClient, clock: Clock) -> None:
    clock.moment = datetime(2026, 11, 25, 9, tzinfo=UTC)
    connection = raw.connection()
    connection.request("GET", f"{SERVICE}?xsd")
    sent = connection.getresponse().headers["Date"]
    connection.close()
    assert email.utils.parsedate_to_datetime(sent) == clock.moment


def test_nobody_talks_to_a_stopped_portal(portal_folder: Path, raw: RawClient) -> None:
    server = serve(portal_folder).start()
    other = RawClient(server, raw.signing, raw.now)
    connection = other.connection()
    connection.request("GET", f"{SERVICE}?xsd")
    connection.getresponse().read()
    server.stop()
    server.stop()
    assert connection.sock.recv(1) == b""
    connection.close()
    with pytest.raises(OSError, match="refused"):
        other.ok(put_link("l-1"))


def test_a_portal_that_never_started_stops(portal_folder: Path) -> None:
    serve(portal_folder).stop()
