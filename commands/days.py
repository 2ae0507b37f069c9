"""Days and moments as commands write them, in tables and in sentences."""

from datetime import date, datetime, tzinfo

from journal.wording import Language, Wording

_FROM_TO = Wording(ru="с {first} по {last}", en="from {first} to {last}")
_FROM = Wording(ru="с {first}, бессрочно", en="from {first}, open")
_TO = Wording(ru="по {last}", en="to {last}")


def moment_in_words(moment: datetime, timezone: tzinfo) -> str:
    """Return a moment as the installation's clock showed it, to the minute."""
    return moment.astimezone(timezone).strftime("%Y-%m-%d %H:%M")


def span_in_table(first: date | None, last: date | None) -> str:
    """Return days in two lines at most: `2026-09-01/` above `2027-05-31`, one of them where a side is open."""
    if first is not None and last is not None:
        return f"{first}/\n{last}"
    return f"{first or ''}/{last or ''}" if first or last else ""


def span_in_words(first: date | None, last: date | None, language: Language) -> str:
    """Return days as a sentence says them; None: open on that side, not on both."""
    wording = _TO if first is None else _FROM if last is None else _FROM_TO
    return wording.say(language, first=first, last=last)
