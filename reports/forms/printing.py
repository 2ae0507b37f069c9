"""A form as PDF, and the file it goes to.

Rules. The PDF is tagged (PDF/UA-1), names its language and title, embeds its letters, and carries no moment but the
day it was given. An application and a withdrawal take one page, a consent two at most: letters and lines shrink by
steps, but never under 9 points; a text that is too long even then is refused. Nothing is fetched: the page names no
outer resource, and a request for one would break the printing off.
WeasyPrint needs the system's Pango; where that is missing, a person is told what to install.
"""

import contextlib
import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

from audit.durable_files import put_file
from journal.wording import BridgeError, Wording
from reports.forms.form_data import FormData, FormKind
from reports.forms.sheet import Fit, sheet

PAGES: Mapping[FormKind, int] = {FormKind.APPLICATION: 1, FormKind.CONSENT: 2, FormKind.WITHDRAWAL: 1}
"""How many pages a form may take."""

FITS = (Fit(11, 8.5), Fit(10.5, 8), Fit(10, 7.25), Fit(9, 6.5))
"""From roomy to tight; the first that fits is taken."""

_VARIANT = "pdf/ua-1"

_UNAVAILABLE = Wording(
    ru="Бланки напечатать нельзя: на этой машине нет библиотеки Pango. Установите пакеты libpangoft2-1.0-0 и "
    "fonts-paratype и повторите.",
    en="Forms can't be printed: this machine lacks the Pango library. Install the packages libpangoft2-1.0-0 and "
    "fonts-paratype, then try again.",
)
_TOO_LONG = Wording(
    ru="Бланк «{form}» не помещается на {pages} стр. даже мелким шрифтом. Сократите текст согласия {version} или "
    "наименование и адрес школы.",
    en="The form “{form}” doesn't fit on {pages} page(s) even in small letters. Shorten the consent's text {version} "
    "or the school's name and address.",
)


def render_form(kind: FormKind, data: FormData) -> bytes:
    """Return a form as PDF; the same data give the same bytes with the same fonts and libraries.

    Raises BridgeError `forms-unavailable` (no Pango) or `form-too-long`.
    """
    pdf = print_sheet(lambda fit: sheet(kind, data, fit), PAGES[kind], _identifier(kind, data))
    if pdf is not None:
        return pdf
    raise BridgeError(
        "form-too-long",
        _TOO_LONG,
        {"form": str(kind), "pages": PAGES[kind], "version": "–" if data.text is None else data.text.version},
    )


def print_sheet(html: Callable[[Fit], str], pages: int, identifier: bytes) -> bytes | None:
    """Return a sheet as PDF in the roomiest fit that takes at most so many pages; None when none does.

    `identifier`: 32 bytes of opaque things. Raises BridgeError `forms-unavailable`.
    """
    weasyprint = _weasyprint()
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=(), fail_on_errors=True)
    for fit in FITS:
        document = weasyprint.HTML(string=html(fit), url_fetcher=nothing).render(pdf_variant=_VARIANT)
        if len(document.pages) <= pages:
            pdf: bytes = document.write_pdf(pdf_variant=_VARIANT, pdf_identifier=identifier)
            return pdf
    return None


def write_form(path: Path, kind: FormKind, data: FormData) -> None:
    """Put a form at `path`, readable by its owner only, in one step: a reader sees the earlier file or this one.

    Raises as `render_form` does, and OSError.
    """
    put_file(path, render_form(kind, data))


def _identifier(kind: FormKind, data: FormData) -> bytes:
    """Return the file's identifier, of opaque things only: a digest of a name tells the name to whoever guesses it."""
    named = f"{kind} {data.reference} {data.printed_on.isoformat()}"
    return hashlib.sha256(named.encode()).hexdigest()[:32].encode()


def _weasyprint() -> ModuleType:
    """Return WeasyPrint, imported at the first form: it takes a second. Raises BridgeError `forms-unavailable`."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # where Pango is missing, it prints to the program's output
            import weasyprint  # type: ignore[import-untyped]  # noqa: PLC0415  it comes without types; late for its cost
    except (ImportError, OSError):
        pass
    else:
        module: ModuleType = weasyprint
        return module
    raise BridgeError("forms-unavailable", _UNAVAILABLE)
