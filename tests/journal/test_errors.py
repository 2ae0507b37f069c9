"""What errors say of themselves: codes and counts, nothing personal."""

from journal.portal import PortalError, Resend, UnsendableRecordsError
from journal.wording import BridgeError, Wording


def test_a_portal_error_names_its_code_and_whether_to_send_again() -> None:
    assert str(PortalError("Throttled", Resend.RETRYABLE, 5)) == "portal error Throttled (retryable)"
    assert str(PortalError("timeout", Resend.UNKNOWN, detail="no reply")) == "portal error timeout (unknown): no reply"


def test_the_portals_own_codes_are_told_from_ours() -> None:
    assert PortalError("SchemaViolation", Resend.FINAL).said_by_portal
    assert not PortalError("tls", Resend.FINAL).said_by_portal


def test_unsendable_records_are_counted_not_shown() -> None:
    error = UnsendableRecordsError({"id1": "value: too long", "id2": "subject: empty"})
    assert str(error) == "2 records do not fit the portal's schema"


def test_a_bridge_error_speaks_both_languages() -> None:
    error = BridgeError("x", Wording("нет файла {name}", "no file {name}"), {"name": "a.toml"})
    assert (error.say("ru"), error.say("en"), str(error)) == ("нет файла a.toml", "no file a.toml", "x: no file a.toml")


def test_a_filled_sentence_is_said_as_it_stands_whatever_braces_it_carries() -> None:
    filled = Wording("лишний столбец {name}", "unknown column {name}").filled(name="{x}")
    assert (filled.say("ru"), filled.say("en")) == ("лишний столбец {x}", "unknown column {x}")
