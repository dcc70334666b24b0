"""The words JQL keeps to itself: keywords of its grammar, and words that a name or value must quote."""

from __future__ import annotations

KEYWORDS = {
    "AND": "_AND",
    "OR": "_OR",
    "NOT": "NOT",
    "IN": "IN",
    "IS": "IS",
    "EMPTY": "EMPTY",
    "NULL": "EMPTY",
    "WAS": "WAS",
    "CHANGED": "CHANGED",
    "BEFORE": "BEFORE",
    "AFTER": "AFTER",
    "FROM": "FROM",
    "TO": "TO",
    "ON": "ON",
    "DURING": "DURING",
    "ORDER": "_ORDER",
    "BY": "BY",
    "ASC": "ASC",
    "DESC": "DESC",
    "CF": "CF",
}

# The words Jira's own grammar refuses unquoted. Its documentation lists some more, such as "a" and "the",
# which the grammar accepts.
_RESERVED = """
    abort access add alias alter any as audit avg begin between boolean break byte catch cf char character
    check checkpoint collate collation column commit connect continue count create current date decimal
    declare decrement default defaults define delete delimiter difference distinct divide do double drop else
    encoding end equals escape exclusive exec execute exists explain false fetch field file first float for
    function go goto grant greater group having identified if immediate increment index initial inner inout
    input insert int integer intersect intersection into isempty isnull join last left less like limit lock
    long max min minus mode modify modulo more multiply next noaudit notin nowait number object of option
    outer output power previous prior privileges public raise raw remainder rename resource return returns
    revoke right row rowid rownum rows select session set share size sqrt start strict string subtract sum
    synonym table then trans transaction trigger true uid union unique update user validate values view when
    whenever where while with
"""
RESERVED = frozenset(_RESERVED.split())
