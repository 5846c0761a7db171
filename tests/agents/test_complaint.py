"""What a program complained of: the reason is found among what stands around it, and where it arose."""

import pytest

from agents.external.complaint import LONGEST, complaint

PYTHON = """said before
Traceback (most recent call last):
  File "/a/bot.py", line 30, in <module>
    main()
  File "/a/bot.py", line 12, in main
    board[9]
IndexError: list index out of range
"""
NODE = """/a/bot.js:3
    null.x
    ^

TypeError: Cannot read properties of null
    at Socket.<anonymous> (/a/bot.js:3:7)
    at addChunk (node:internal/streams/readable:561:12)

Node.js v20.20.2
"""
MISSING = """node:internal/modules/cjs/loader:1210
  throw err;
  ^

Error: Cannot find module './nope'
Require stack:
- /a/mod.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)
    at Object.<anonymous> (/a/mod.js:7:1)
    at node:internal/main/run_main_module:28:49 {
  code: 'MODULE_NOT_FOUND',
}

Node.js v20.20.2
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", ""),
        ("\n\n", ""),
        ("first\nlast\n", "'last'"),
        (PYTHON, "'IndexError: list index out of range' (bot.py, line 12)"),
        (NODE, "'TypeError: Cannot read properties of null' (bot.js, line 3)"),
        (MISSING, "\"Error: Cannot find module './nope'\" (mod.js, line 7)"),
        ('  File "/a/b.py", line 9\n    x(\n     ^\nSyntaxError: bad\n', "'SyntaxError: bad' (b.py, line 9)"),
        ("panicked at src/main.rs:4:5:\nindex out of bounds\nnote: run with more\n", "'index out of bounds'"),
        ("  only indented\n", "'only indented'"),
    ],
)
def test_the_reason_and_its_place(said, told):
    assert complaint(said) == told


def test_of_a_long_reason_the_end_is_told_and_nothing_else_is_printed():
    told = complaint("\x1b[31m" + "x" * 500 + "the end")
    assert told.startswith("'...x") and told.endswith("the end'") and len(told) == LONGEST + 5
    assert complaint("\x1b[31mred") == r"'\x1b[31mred'"
