"""Explains queries that the database does not understand or that break its constraints."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.raised_exception import RaisedException
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch

SQL_ERRORS = (
    "OperationalError",
    "ProgrammingError",
    "UndefinedTable",
    "UndefinedColumn",
    "InternalError",
    "DatabaseError",
)
CONSTRAINT_ERRORS = ("IntegrityError", "UniqueViolation", "NotNullViolation", "ForeignKeyViolation")


def name_object(_raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Put together the name, whichever database told it."""
    named_groups = [value for key, value in matched.groupdict().items() if value and key != "kind"]
    return RuleMatch({"thing": named_groups[0]}) if named_groups else None


RULES = (
    ErrorRule(
        slug="table-missing",
        exception_types=SQL_ERRORS,
        pattern=r"no such table: (?P<lite>[\w.]+)|relation \"(?P<pg>[^\"]+)\" does not exist|Table"
        r" '(?P<my>[^']+)' doesn't exist",
        title="The table `{thing}` does not exist in this database",
        why="A migration was not run here, or the address leads to another database (for a wrong path,"
        " SQLite silently creates an empty file).",
        fix="Run `flask db upgrade` (or `alembic upgrade head`) in this environment, as a step of every"
        " deployment; then check which database {at} is connected to.",
        unless="the table is in another schema: then correct `search_path`.",
        confidence=0.97,
        examine=name_object,
    ),
    ErrorRule(
        slug="column-missing",
        exception_types=SQL_ERRORS,
        pattern=r"no such column: (?P<lite>[\w.]+)|column \"?(?P<pg>[\w.]+)\"?(?: of relation \S+)? does"
        r" not exist|Unknown column '(?P<my>[^']+)'|has no column named (?P<named>\w+)",
        title="The column `{thing}` does not exist in this database",
        why="The code is newer than the database, because its migration was not run here; or the name is"
        " misspelt in hand-written SQL.",
        fix="Run `flask db upgrade` (or `alembic upgrade head`) in this environment before the new code"
        " starts; the column is used at {at}.",
        unless="hand-written SQL has a string in double quotes, which mark columns.",
        confidence=0.96,
        examine=name_object,
    ),
    ErrorRule(
        slug="unique",
        exception_types=CONSTRAINT_ERRORS,
        pattern=r"UNIQUE constraint failed: (?P<lite>[\w., ]+)|duplicate key value violates unique"
        r" constraint \"(?P<pg>[^\"]+)\"|Duplicate entry .* for key '(?P<my>[^']+)'",
        title="A row with the same `{thing}` already exists",
        why="The same record is stored twice: a form sent again, two workers at once, or an import run"
        " twice. Checking first does not help, since another worker may be faster.",
        fix="Catch `IntegrityError` at {at}, roll back and answer with a 409; or insert with `ON CONFLICT`.",
        unless="ids collide after an import: then set the sequence to the highest id.",
        confidence=0.96,
        examine=name_object,
    ),
    ErrorRule(
        slug="not-null",
        exception_types=CONSTRAINT_ERRORS,
        pattern=r"NOT NULL constraint failed: (?P<lite>[\w.]+)|null value in column \"(?P<pg>[^\"]+)\""
        r"|Column '(?P<my>[^']+)' cannot be null",
        title="`{thing}` must have a value, but was stored without one",
        why="The column does not allow NULL, and no value was given: a field is missing from the form, or an"
        " object was not linked to its parent.",
        fix="Give `{thing}` a value before the commit at {at}, or a default in the model and a migration.",
        unless="NULL should be allowed: then migrate the column.",
        confidence=0.96,
        examine=name_object,
    ),
    ErrorRule(
        slug="foreign-key",
        exception_types=CONSTRAINT_ERRORS,
        pattern=r"(?P<kind>FOREIGN KEY constraint failed|violates foreign key constraint"
        r"(?: \"(?P<pg>[^\"]+)\")?|a foreign key constraint fails)",
        title="A row refers to another row that does not exist",
        what="{line} was rejected by a foreign key: {value}.",
        why="The parent row was deleted or never stored, or a parent that still has children is deleted.",
        fix="Store the parent first, or define what happens to children: `ON DELETE CASCADE` and"
        ' `cascade="all, delete-orphan"`; at {at}.',
        unless="the id comes from a user: then answer with a 404 or 400.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="check-constraint",
        exception_types=(*CONSTRAINT_ERRORS, "CheckViolation"),
        pattern=r"CHECK constraint failed: (?P<lite>\S+)|violates check constraint \"(?P<pg>[^\"]+)\"",
        title="A value violates the database constraint `{thing}`",
        why="The database checks a rule that the code did not check.",
        fix="Check the same rule before the value is stored at {at}, and answer with a 400.",
        unless="the constraint is out of date: then migrate it.",
        confidence=0.95,
        examine=name_object,
    ),
    ErrorRule(
        slug="value-too-long",
        exception_types=("DataError", "StringDataRightTruncation"),
        pattern=r"value too long for type (?P<pg>[\w ()]+)|Data too long for column '(?P<my>[^']+)'|out of"
        r" range",
        title="A value does not fit its column",
        what="{line} was rejected: {value}.",
        why="The text is longer, or the number larger, than the column allows.",
        fix="Limit the field in the form before {at}, or widen the column with a migration.",
        unless="the value is garbage: then find out who sends it.",
        confidence=0.94,
    ),
    ErrorRule(
        slug="sql-syntax",
        exception_types=("OperationalError", "ProgrammingError", "SyntaxError"),
        pattern=r"near \"(?P<lite>[^\"]*)\": syntax error|syntax error at or near \"(?P<pg>[^\"]*)\"|error in"
        r" your SQL syntax.*near '(?P<my>[^']{0,40})",
        title="The database cannot parse the SQL near `{thing}`",
        why="SQL that is built from strings breaks when a value contains a quote or is empty (`IN ()`).",
        fix='Use parameters instead of f-strings at {at}: `text("… WHERE id = :id"), {{"id": id}}`. That'
        " also prevents SQL injection.",
        unless="the SQL is written for another kind of database.",
        confidence=0.95,
        examine=name_object,
    ),
    ErrorRule(
        slug="sql-parameters",
        exception_types=("ProgrammingError", "StatementError", "InvalidRequestError"),
        pattern=r"Incorrect number of bindings|A value is required for bind parameter '(?P<name>\w+)'",
        title="A parameter of the query has no value: {name}",
        why="The SQL names other parameters than those it is given. A tuple of one value needs a comma:"
        " `(id,)`.",
        fix="Compare the parameters in the SQL with the values given at {at}.",
        unless="a colon in the SQL is not meant as a parameter: then escape it.",
        confidence=0.93,
    ),
)
