"""From the bytes of a request to the bytes of a reply: checks, the operation, the signature, the misbehaviour.

Rules. Checked in this order: XML, signature, who may speak, limits, schema, batch id, school. A reply that does not
keep the schema itself never leaves: it becomes Internal and nothing is taken. Every SOAP reply is signed, faults too.
Deliberately not here: sockets; an `Answer` only says how it is to be delivered.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from lxml.etree import _Element

from sandbox.authority import Credential
from sandbox.portal import application_operations, journal_operations, link_operations
from sandbox.portal.answer import FAULT, OK, Answer, fault_element, sealed
from sandbox.portal.contract import violation
from sandbox.portal.distortion import distorted, instead_of_reply
from sandbox.portal.misbehaviour import Misbehaviour, next_fault
from sandbox.portal.request import Asked, Request, read
from sandbox.portal.security import Trust, verify
from sandbox.portal.soap import DIARY, FaultCode, ServiceFaultError, moment_text, parse
from sandbox.portal.store import writing

Operation = Callable[[Request], _Element]

OPERATIONS: Mapping[str, Operation] = {
    "SubmitJournal": journal_operations.submit_journal,
    "GetReceipt": journal_operations.get_receipt,
    "ListHoldings": journal_operations.list_holdings,
    "ListApplications": application_operations.list_applications,
    "ReportApplication": application_operations.report_application,
    "PutLink": link_operations.put_link,
    "EndLink": link_operations.end_link,
    "GetUsage": link_operations.get_usage,
}


@dataclass(frozen=True, slots=True)
class Service:
    """The portal without its sockets. `schools` and `clients` (SHA-256 of certificates): None admits all."""

    trust: Trust
    signing: Credential
    now: Callable[[], datetime]
    schools: frozenset[str] | None = None
    clients: frozenset[str] | None = None

    def answer(self, connection: sqlite3.Connection, message: bytes, action: str, client: str) -> Answer:
        """Answer one request; `action` is its SOAPAction, `client` the fingerprint of the TLS certificate.

        A failure within the portal is answered with Internal and named by its class; GetReceipt tells what was taken.
        """
        try:
            return self._answer(connection, message, action, client)
        except Exception as failure:  # noqa: BLE001  whatever fails in here, the client hears of it
            internal = ServiceFaultError(FaultCode.INTERNAL, f"{type(failure).__name__} within the portal")
        return self.refuse(connection, internal, len(message))

    def _answer(self, connection: sqlite3.Connection, message: bytes, action: str, client: str) -> Answer:
        now = self.now()
        try:
            asked = self._check(message, action, client, now)
        except ServiceFaultError as fault:
            return self.refuse(connection, fault, len(message))
        misbehaviour = next_fault(connection, asked.operation)
        log = _LogEntry(now, asked.operation, asked.school, misbehaviour, len(message))
        if misbehaviour is None:
            reply, status = self._perform(connection, asked, log)
            return Answer(status, sealed(reply, self.signing, now))
        instead = instead_of_reply(misbehaviour, self.signing, now)
        if instead is not None and not misbehaviour.kind.takes:
            with writing(connection):
                log.write(connection, "not-taken")
            return instead
        reply, status = self._perform(connection, asked, log)
        return instead or distorted(reply, status, misbehaviour, self.signing, now)

    def refuse(self, connection: sqlite3.Connection, fault: ServiceFaultError, size: int) -> Answer:
        """Answer a request that did not come as far as an operation."""
        now = self.now()
        with writing(connection):
            _LogEntry(now, "", None, None, size).write(connection, fault.code)
        return Answer(FAULT, sealed(fault_element(fault), self.signing, now))

    def _check(self, message: bytes, action: str, client: str, now: datetime) -> Asked:
        """Return what is asked for, in that order of checks that the module's docstring gives."""
        authenticated = verify(parse(message), self.trust, now)
        if self.clients is not None and not {client, _fingerprint(authenticated.signer)} <= self.clients:
            raise ServiceFaultError(FaultCode.NOT_AUTHORIZED, "this certificate is not on the portal's list")
        asked = read(authenticated.body)
        if action.strip('"') != f"{DIARY}#{asked.operation}":
            raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, "SOAPAction names another operation")
        if self.schools is not None and asked.school not in self.schools:
            raise ServiceFaultError(FaultCode.UNKNOWN_SCHOOL, "the portal does not know this school")
        return asked

    def _perform(self, connection: sqlite3.Connection, asked: Asked, log: "_LogEntry") -> tuple[_Element, int]:
        """Do the operation; when this returns, what it took is on the disk (if the process dies here, too)."""
        rejecting = None if log.misbehaviour is None else log.misbehaviour.rejecting
        try:
            with writing(connection):
                reply = OPERATIONS[log.operation](Request(connection, asked, log.at, rejecting))
                _check_reply(reply)
                log.write(connection, "ok")
        except ServiceFaultError as fault:
            with writing(connection):
                log.write(connection, fault.code)
            return fault_element(fault), FAULT
        return reply, OK


@dataclass(frozen=True, slots=True)
class _LogEntry:
    """A row of `request_log` to be: no body, no name, no value."""

    at: datetime
    operation: str
    school: str | None
    misbehaviour: Misbehaviour | None
    size: int

    def write(self, connection: sqlite3.Connection, outcome: str) -> None:
        kind = None if self.misbehaviour is None else str(self.misbehaviour.kind)
        connection.execute(
            "INSERT INTO request_log (at, operation, school, outcome, misbehaviour, bytes) VALUES (?, ?, ?, ?, ?, ?)",
            (moment_text(self.at), self.operation, self.school, str(outcome), kind, self.size),
        )


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def _check_reply(reply: _Element) -> None:
    problem = violation(reply)
    if problem is not None:
        raise ServiceFaultError(FaultCode.INTERNAL, f"the reply breaks the schema: {problem}")
