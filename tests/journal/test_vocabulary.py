"""The word lists are the portal schema's, no more and no less."""

from enum import StrEnum
from pathlib import Path

import pytest
from lxml import etree

from journal.vocabulary import ApplicationStatus, EndReason, RecordKind, Relation, WithdrawReason

SCHEMA = etree.parse(Path(__file__).parents[2] / "connectors" / "portal" / "contract" / "diary-exchange-1.xsd")
XSD = {"xs": "http://www.w3.org/2001/XMLSchema"}


@pytest.mark.parametrize("words", [ApplicationStatus, EndReason, RecordKind, Relation, WithdrawReason])
def test_the_words_are_the_schemas(words: type[StrEnum]) -> None:
    values = SCHEMA.xpath(f"//xs:simpleType[@name='{words.__name__}']//xs:enumeration/@value", namespaces=XSD)
    assert values
    assert list(words) == values
