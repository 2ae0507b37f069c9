"""The closed word lists of the diary exchange, as the portal's schema spells them.

Source: the simple types of `connectors/portal/contract/diary-exchange-1.xsd`; a test compares the two.
"""

from enum import StrEnum


class RecordKind(StrEnum):
    """What sort of journal record a parent reads."""

    CURRENT = "current"
    PERIOD = "period"
    ANNUAL = "annual"
    EXAM = "exam"
    FINAL = "final"
    ABSENCE = "absence"
    LATE = "late"
    REMARK = "remark"


class WithdrawReason(StrEnum):
    """Why a record is taken back from the portal."""

    DELETED = "deleted"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    CONSENT_EXPIRED = "consent-expired"
    LINK_ENDED = "link-ended"
    RESTRICTED = "restricted"
    STUDENT_LEFT = "student-left"
    CAME_OF_AGE = "came-of-age"
    OUT_OF_SCOPE = "out-of-scope"
    ERASED = "erased"


class EndReason(StrEnum):
    """Why a parent's link to a student is closed at the portal."""

    CONSENT_WITHDRAWN = "consent-withdrawn"
    CONSENT_EXPIRED = "consent-expired"
    RESTRICTED = "restricted"
    STUDENT_LEFT = "student-left"
    CAME_OF_AGE = "came-of-age"
    REGISTERED_IN_ERROR = "registered-in-error"


class ApplicationStatus(StrEnum):
    """How far a parent's application is, as told to the parent."""

    RECEIVED = "received"
    IDENTIFIED = "identified"
    REGISTERED = "registered"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Relation(StrEnum):
    """By what right an adult acts for the student."""

    PARENT = "parent"
    ADOPTER = "adopter"
    GUARDIAN = "guardian"
    TRUSTEE = "trustee"


ALL_KINDS: frozenset[RecordKind] = frozenset(RecordKind)
