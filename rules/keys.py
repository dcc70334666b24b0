"""The keys of rule files and the forms of their values: what is read, offered and put in order."""

from __future__ import annotations

import re

VERSION = "1"

WAIVERS = "waivers"

TOP_KEYS = {
    "version": "The version of the file's form.",
    "packs": "Which of the packs that ship are used, and how far: {strategic: label, cultural: observe}.",
    "rollups": "Counts and sums over related records, each under a name that rules can use like a field.",
    "rules": "The rules, in any order; or, beside packs:, what to change of rules by their id.",
}
CHOICE_KEYS = {
    "mode": "How far the rule goes here: off, observe, warn or label.",
    "parameters": "Values for the parameters of the rule: {idle: 60d}.",
}
PARAMETER_KEYS = {
    "type": "What its values are: number, amount, period, date, text or list.",
    "default": "The value it has where nobody sets another.",
    "example": "The value tests use where there is no default: the rule waits until somebody sets one.",
    "doc": "What it is for, in one line.",
}

# In the order in which fmt writes them.
RULE_KEYS = {
    "id": "Stable name: findings hang on it. Small letters, digits and single dashes.",
    "was": "What the rule was called before: its findings and labels go on under the new id.",
    "title": "One line for reports.",
    "each": "What is judged, row by row.",
    "parameters": "Values of the condition that can be set without editing it, by name.",
    "when": "The condition, in JQL.",
    "for": "How long it must hold before the finding opens: 12h, 14d, 2w. At once by default.",
    "clear_after": "How long it must be gone before the finding closes: 12h, 14d, 2w. At once by default.",
    "severity": "How bad it is; warning by default.",
    "error_when": "A second condition, in JQL: where it holds too, the severity is error.",
    "mode": "How far it goes: off, observe (only recorded), warn (reported) or label (the default).",
    "label": "Written on the ticket, after the prefix. Without it the rule only reports.",
    "message": "One line for people, with fields in braces: {key} serves no business objective.",
    "owner": "Who answers for the rule.",
    "limit": "More new labels than this in one run are held back.",
    "why": "Why it matters.",
    "fix": "What clears it.",
    "tests": "Items the rule flags and lets pass, at least one of each. Fields not named are empty.",
}
WAIVER_KEYS = {
    "rule": "The id of the rule whose findings are accepted.",
    "match": "Which of them, as a condition in JQL over the rows that the rule judges.",
    "reason": "Why they are accepted.",
    "owner": "Who answers for it.",
    "approver": "Who agreed.",
    "until": "The last day it counts, as 2026-09-30: to the end of that day, 365 days ahead at most.",
}
LIMIT_KEYS = {
    "new": "How many new labels, such as 200.",
    "share": "What share of all items, such as 10%.",
}
CASE_KEYS = {
    "flag": "An item that the rule must flag.",
    "pass": "An item that the rule must let pass.",
    "severity": "Beside flag: how bad the rule must call it.",
}
FUNCTION_KEYS = {
    "count": "Count the records of a relation.",
    "sum": "Add up a number or an amount of the records.",
    "min": "Take the smallest or earliest of the records.",
    "max": "Take the largest or latest of the records.",
}
ROLLUP_KEYS = {
    "each": "What the roll-up belongs to.",
    **FUNCTION_KEYS,
    "where": "Which of the records, as a condition in JQL.",
}

ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
ID_LENGTH = 64
PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9]*")
DURATION = re.compile(r"([0-9]{1,4})([hdw])")
SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%")
COUNT = re.compile(r"[0-9]{1,9}")
LABEL = re.compile(r"\S+")
LABEL_LENGTH = 100
