"""Replies of another time, that are no such document, or that are no answer to what was asked."""

from datetime import timedelta

from fakes.forgeries.scene import (
    HOUR,
    Scene,
    forgery,
    timestamp_of,
)
from fakes.reply_signing import DIARY, SOAP, fault, sign, signed
from lxml import etree

# the time


@forgery("the timestamp has expired")
def an_old_reply(scene: Scene) -> bytes:
    return signed(scene.payload, scene.signer, scene.now - HOUR)


@forgery("the timestamp is of another time")
def a_reply_of_the_future(scene: Scene) -> bytes:
    return signed(scene.payload, scene.signer, scene.now + HOUR)


@forgery("the timestamp has expired")
def a_reply_that_has_just_expired(scene: Scene) -> bytes:
    return signed(scene.payload, scene.signer, scene.now - timedelta(seconds=3), timedelta(seconds=2))


@forgery("the timestamp's life is not within five minutes")
def a_reply_that_lives_too_long(scene: Scene) -> bytes:
    return signed(scene.payload, scene.signer, scene.now, timedelta(minutes=5, seconds=1))


@forgery("the timestamp's life is not within five minutes")
def a_reply_that_expires_before_it_was_made(scene: Scene) -> bytes:
    return signed(scene.payload, scene.signer, scene.now, -timedelta(seconds=1))


@forgery("the timestamp's Created is no moment with a zone")
def a_moment_without_zone(scene: Scene) -> bytes:
    root = scene.unsigned()
    timestamp_of(root)[0].text = scene.now.replace(tzinfo=None).isoformat()
    return sign(root, scene.signer)


@forgery("the timestamp's Created is no moment with a zone")
def a_moment_that_is_none(scene: Scene) -> bytes:
    root = scene.unsigned()
    timestamp_of(root)[0].text = "2026-13-01T00:00:00Z"
    return sign(root, scene.signer)


@forgery("0 Expires in Timestamp")
def no_expiry(scene: Scene) -> bytes:
    root = scene.unsigned()
    timestamp_of(root).remove(timestamp_of(root)[1])
    return sign(root, scene.signer)


# the document


@forgery("has a DTD")
def a_dtd(scene: Scene) -> bytes:
    return b"<!DOCTYPE x>" + signed(scene.payload, scene.signer, scene.now)


@forgery("has a DTD")
def an_entity(scene: Scene) -> bytes:
    start = b'<!DOCTYPE x [<!ENTITY r "rc-1">]>'
    return start + signed(scene.payload, scene.signer, scene.now)


@forgery("not well-formed")
def a_billion_laughs(scene: Scene) -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    start = f'<!DOCTYPE x [<!ENTITY l0 "ha">{levels}]>'.encode()
    message = etree.tostring(scene.unsigned(b"<laugh>PLACE</laugh>")).replace(b"PLACE", b"&l9;")
    return start + message


@forgery("has a DTD")
def a_file_as_entity(scene: Scene) -> bytes:
    start = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    return start + etree.tostring(scene.unsigned(b"<a>PLACE</a>")).replace(b"PLACE", b"&f;")


@forgery("has a processing instruction")
def a_processing_instruction(scene: Scene) -> bytes:
    return b"<?php 1 ?>" + signed(scene.payload, scene.signer, scene.now)


@forgery("not well-formed")
def half_a_document(scene: Scene) -> bytes:
    message = signed(scene.payload, scene.signer, scene.now)
    return message[: len(message) // 2]


@forgery("not well-formed")
def a_page_for_people(_: Scene) -> bytes:
    return "<html><body><p>Технические работы<br></body></html>".encode()


@forgery("not well-formed")
def nothing_at_all(_: Scene) -> bytes:
    return b""


@forgery("not well-formed")
def zeros(_: Scene) -> bytes:
    return bytes(1000)


@forgery("not well-formed")
def a_deep_document(_: Scene) -> bytes:
    return b"<a>" * 100_000 + b"</a>" * 100_000


# genuinely signed, and yet no answer to what was asked


@forgery("the reply to another")
def the_receipt_of_another_batch(scene: Scene) -> bytes:
    payload = scene.payload.replace(scene.batch.batch_id.encode(), b"f" * 64)
    return signed(payload, scene.signer, scene.now)


@forgery("not the reply to SubmitJournal")
def the_answer_to_another_question(scene: Scene) -> bytes:
    return signed(scene.payload.replace(b"SubmitJournal", b"GetReceipt"), scene.signer, scene.now)


@forgery("not the reply to SubmitJournal")
def an_answer_of_another_namespace(scene: Scene) -> bytes:
    return signed(scene.payload.replace(DIARY.encode(), b"urn:diary-exchange:2"), scene.signer, scene.now)


@forgery("SubmitJournalResponse: SubmitJournalResponse: SCHEMAV_CVC_COMPLEX_TYPE_4")
def an_answer_that_breaks_the_schema(scene: Scene) -> bytes:
    return signed(scene.payload.replace(b'receiptId="rc-1"', b""), scene.signer, scene.now)


@forgery("SubmitJournalResponse: accepted: SCHEMAV_CVC_DATATYPE_VALID_1_2_1")
def less_than_nothing_accepted(scene: Scene) -> bytes:
    return signed(scene.payload.replace(b'accepted="1"', b'accepted="-1"'), scene.signer, scene.now)


@forgery("SubmitJournalResponse: receivedAt: SCHEMAV_CVC_PATTERN_VALID")
def a_moment_of_receipt_without_zone(scene: Scene) -> bytes:
    return signed(scene.payload.replace(b"05Z", b"05"), scene.signer, scene.now)


@forgery("a moment without zone")
def a_moment_of_receipt_beyond_the_calendar(scene: Scene) -> bytes:
    return signed(scene.payload.replace(b"2026-10", b"12026-10"), scene.signer, scene.now)


@forgery("the body does not hold exactly one element")
def two_answers_in_one_body(scene: Scene) -> bytes:
    return signed(scene.payload + scene.lie, scene.signer, scene.now)


@forgery("the body does not hold exactly one element")
def an_empty_body(scene: Scene) -> bytes:
    return signed(b"", scene.signer, scene.now)


@forgery("certificate: the bridge's own certificate")
def the_request_sent_back(scene: Scene) -> bytes:
    return scene.request


@forgery("a fault without the contract's detail")
def a_fault_without_detail(scene: Scene) -> bytes:
    return signed(
        f'<S:Fault xmlns:S="{SOAP}"><faultcode>S:Server</faultcode></S:Fault>'.encode(), scene.signer, scene.now
    )


@forgery("ServiceFault: code: SCHEMAV_CVC_ENUMERATION_VALID")
def a_fault_of_a_code_nobody_knows(scene: Scene) -> bytes:
    return signed(fault("Thr0ttled"), scene.signer, scene.now)


@forgery("a fault without the contract's detail")
def a_fault_with_two_details(scene: Scene) -> bytes:
    one = fault("Throttled")
    start, end = one.index(b"<d:ServiceFault"), one.index(b"</detail>")
    return signed(one[:end] + one[start:end] + one[end:], scene.signer, scene.now)


@forgery("0 Signature in Security")
def an_unsigned_fault(scene: Scene) -> bytes:
    return etree.tostring(scene.unsigned(fault("Throttled", 1)))
