"""The contract's own files, used as they are: schema, service description, the digest that names a batch.

Rules. Requests and the portal's own replies are held against the same schema. What a violation is called names
the place and the rule but never the value, for values are pupils' data.
"""

import hashlib
import threading
from importlib.resources import files

from lxml import etree
from lxml.etree import _Element

from sandbox.portal.soap import DIARY, FaultCode, ServiceFaultError, diary, local_name, required

SERVICE_PATH = "/diary-exchange/1"
MOST_RECORDS = 5000
LARGEST_JOURNAL = 8 * 1024 * 1024  # bytes of SubmitJournal in canonical form
NO_BATCH_ID = b"0" * 64  # stands in the batch id's place when the digest is taken
SUBMIT_JOURNAL = "SubmitJournal"
OPERATIONS = (
    SUBMIT_JOURNAL,
    "GetReceipt",
    "ListHoldings",
    "ListApplications",
    "ReportApplication",
    "PutLink",
    "EndLink",
    "GetUsage",
)

_FOLDER = files("connectors") / "portal" / "contract"
_ADDRESS_IN_FILE = b"https://localhost:8443/diary-exchange/1"
_per_thread = threading.local()


def schema_file() -> bytes:
    """Return the contract's XSD."""
    return (_FOLDER / "diary-exchange-1.xsd").read_bytes()


def service_description(url: str) -> bytes:
    """Return the contract's WSDL with the service at `url`."""
    return (_FOLDER / "diary-exchange-1.wsdl").read_bytes().replace(_ADDRESS_IN_FILE, url.encode())


def violation(payload: _Element) -> str | None:
    """Tell where `payload` differs from the schema and which rule it breaks; None when it keeps the schema."""
    schema = _schema()
    if schema.validate(payload):
        return None
    error = schema.error_log[0]  # type: ignore[index]  # the stubs leave its items out
    return f"{local_name(payload)}, line {error.line}, {error.path}: {error.type_name}"


def check_request(payload: _Element) -> str:
    """Return the operation that `payload` asks for; raises SchemaViolation or TooLarge.

    The limits come before the schema, so that a batch of too many records is called by its own name.
    """
    operation = local_name(payload)
    if payload.tag != diary(operation) or operation not in OPERATIONS:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, f"no operation of {DIARY}")
    if operation == SUBMIT_JOURNAL and len(payload) > MOST_RECORDS:
        raise ServiceFaultError(FaultCode.TOO_LARGE, f"more than {MOST_RECORDS} records")
    problem = violation(payload)
    if problem is not None:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, problem)
    if operation == SUBMIT_JOURNAL:
        _check_batch_id(payload)
    return operation


def batch_digest(journal: _Element) -> tuple[str, int]:
    """Return a SubmitJournal's batch id as its content makes it, and the bytes of its canonical form."""
    stated = journal.attrib["batchId"]
    journal.set("batchId", NO_BATCH_ID.decode())
    canonical = etree.tostring(journal, method="c14n", exclusive=True, with_comments=False)
    journal.set("batchId", stated)
    return hashlib.sha256(canonical).hexdigest(), len(canonical)


def _check_batch_id(journal: _Element) -> None:
    digest, size = batch_digest(journal)
    if size > LARGEST_JOURNAL:
        raise ServiceFaultError(FaultCode.TOO_LARGE, f"more than {LARGEST_JOURNAL} bytes")
    if required(journal, "batchId") != digest:
        raise ServiceFaultError(FaultCode.SCHEMA_VIOLATION, "batchId is not the digest of the content")


def _schema() -> etree.XMLSchema:
    """Return this thread's schema: an XMLSchema keeps the last check's errors, so it is not shared."""
    schema: etree.XMLSchema | None = getattr(_per_thread, "schema", None)
    if schema is None:
        schema = etree.XMLSchema(etree.fromstring(schema_file()))
        _per_thread.schema = schema
    return schema
