"""The paper of the registry: application, consent and withdrawal as A4 sheets to be signed by pen.

The rooms: `form_data` (what a form is given), `words` (its Russian words and dates), `code_mark` (the square code that
finds the case again), `sheet` (pure: data to HTML), `printing` (HTML to PDF, and the file).
Rules. What is known is printed, what is not is a line to write on. Documents of identity, addresses and the signature's
name in full are never printed, whoever knows them: people write those themselves, and the school holds them against
the document that is shown. The code is an opaque reference. Same data, same bytes. Nothing is fetched from anywhere.
WeasyPrint is known here only, and is imported when the first form is made.
Deliberately not here: the consent's texts and what they must contain (`consent_registry`), who may print a form.
"""

from reports.forms.form_data import FormData, FormKind, PersonLine
from reports.forms.printing import render_form, write_form

__all__ = ["FormData", "FormKind", "PersonLine", "render_form", "write_form"]
