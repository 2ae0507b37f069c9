"""A made-up school in a real Firebird database: the tables of `sandbox/journal-firebird.sql` with plausible rows.

`write_school` makes one, `edit.SchoolEditor` changes it as teachers do. Nobody in it exists.
"""

from sandbox.school.writing import SchoolSummary, make_school, write_school

__all__ = ["SchoolSummary", "make_school", "write_school"]
