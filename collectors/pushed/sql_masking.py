"""Masking the literals of SQL texts, which may hold raw record keys.

Pure. A text is masked by its tokens, so that everything but literals and comments stays as written.
It is kept only if a SQL parser (sqlglot) understands all of it; otherwise it is masked whole.
"""

from __future__ import annotations

import logging
import re

import sqlglot
from sqlglot import Dialect, Expr, Token, TokenType, exp
from sqlglot.errors import SqlglotError

MASKED_WHOLE = "[masked: not parsed]"
"""Stands for a text that the parser does not understand."""
LONGEST = 256 * 1024
"""Characters of a text that is parsed at all; longer ones are masked whole."""

_LITERALS = frozenset({
    TokenType.STRING, TokenType.NUMBER, TokenType.BIT_STRING, TokenType.HEX_STRING, TokenType.BYTE_STRING,
    TokenType.NATIONAL_STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING, TokenType.UNICODE_STRING,
})  # fmt: skip
_DOLLAR_QUOTED = re.compile(r"\$\w*\$")
_ESCAPED_QUOTE = re.compile(r"""\\['"]""")

# sqlglot warns about statements that it keeps unparsed, quoting their text; such a text is masked whole.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


def mask(text: str, dialect: str | None = None) -> str:
    """The text with ``?`` for every literal and every comment, or MASKED_WHOLE.

    Without a known dialect, quoted names that may be strings in some dialect count as literals.
    """
    if len(text) > LONGEST:
        return MASKED_WHOLE
    spoken = _dialect(text, dialect)
    if not spoken and (_DOLLAR_QUOTED.search(text) or _ESCAPED_QUOTE.search(text)):
        return MASKED_WHOLE
    try:
        tokens = sqlglot.tokenize(text, read=spoken or None)
        statements = sqlglot.parse(text, read=spoken or None)
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError, IndexError, KeyError):
        return MASKED_WHOLE
    if any(_kept_unparsed(statement) for statement in statements):
        return MASKED_WHOLE
    return _masked(text, tokens, set() if spoken else _doubtful_names(statements))


def _dialect(text: str, stated: str | None) -> str:
    if stated and stated.lower() in Dialect.classes:
        return stated.lower()
    # Only dialects in which double quotes make strings quote names so.
    return "spark" if "`" in text else ""


def _kept_unparsed(statement: Expr | None) -> bool:
    return statement is not None and statement.find(exp.Command) is not None


def _doubtful_names(statements: list[Expr | None]) -> set[str]:
    """Double-quoted names that stand alone where a value may stand: strings in MySQL, Spark or BigQuery."""
    return {
        column.name
        for statement in statements
        if statement is not None
        for column in statement.find_all(exp.Column)
        if not column.table and isinstance(column.this, exp.Identifier) and column.this.quoted
    }


def _masked(text: str, tokens: list[Token], doubtful: set[str]) -> str:
    kept: list[str] = []
    position, after_literal = 0, False
    for token in tokens:
        gap = text[position : token.start]
        # `12abc` is read as a number and a name: what clings to a literal is part of it.
        clings = after_literal and not gap and token.token_type is TokenType.VAR
        kept += [_without_comment(gap), "" if clings else _token(text, token, doubtful)]
        after_literal = token.token_type in _LITERALS or clings
        position = token.end + 1
    return "".join([*kept, _without_comment(text[position:])])


def _token(text: str, token: Token, doubtful: set[str]) -> str:
    written = text[token.start : token.end + 1]
    if token.token_type in _LITERALS:
        return "?"
    if token.token_type is TokenType.IDENTIFIER and token.text in doubtful:
        return "?"
    return "/* ? */" if written.startswith("/*") else written


def _without_comment(gap: str) -> str:
    """Between two tokens stands space, a statement's end or a comment; a comment may hold anything."""
    return gap if not gap.strip(" \t\r\n;") else " /* ? */ "
