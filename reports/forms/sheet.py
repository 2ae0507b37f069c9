"""A form as HTML: pure, the same text for the same data.

Rules. Every value is escaped and made printable on its way out (`finalize`), wherever a template puts it. The page has
no outer resource. `fit` says how large letters and lines are: `printing` tries smaller ones when a form is too long.
Deliberately not here: PDF.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from consent_registry.texts.consent_text import ConsentText
from reports.forms.code_mark import code_mark
from reports.forms.form_data import FormData, FormKind
from reports.forms.places import paragraphs
from reports.forms.words import RELATION_WORDS, TITLES, day, printable

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class Fit:
    """How tight a form is set: size of letters in points, height of a line to write on in millimetres."""

    letters: float
    line: float


def sheet(kind: FormKind, data: FormData, fit: Fit) -> str:
    """Return the HTML of a form. Raises ValueError for a consent without its text."""
    if kind is FormKind.CONSENT and data.text is None:
        raise ValueError("a consent is printed with its text")
    heading, subheading = _title(kind, data.text)
    return page(
        f"{kind}.html.j2",
        fit,
        data=data,
        kind=kind,
        heading=heading,
        subheading=subheading,
        mark=None if data.reference is None else code_mark(data.reference),
        relations=[(word, data.relation is relation) for relation, word in RELATION_WORDS.items()],
        paragraphs=[] if data.text is None else paragraphs(data.text, data),
    )


def page(template: str, fit: Fit, **said: object) -> str:
    """Return the HTML of one of the templates, in the style of all of them, set as tight as `fit` says."""
    return _environment().get_template(template).render(said, fit=fit, style=_style(), day=day)


def _title(kind: FormKind, text: ConsentText | None) -> tuple[str, str]:
    """Return the heading and what stands under it; a consent's is its text's own."""
    if kind is not FormKind.CONSENT or text is None:
        return TITLES[kind]
    heading, _, subheading = text.title.partition(" ")
    return heading, subheading


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_printed,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printed(value: object) -> object:
    """Make a value printable; what a macro has already set is left as it is."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _style() -> Markup:
    style = (_TEMPLATES / "form.css").read_text(encoding="utf-8")
    return Markup(style)  # noqa: S704  the project's own file, no value of a form is in it
