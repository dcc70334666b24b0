"""A message arrives as it was written, as text whatever a service shows; what goes wrong tells no secret."""

from __future__ import annotations

import html
import io
import logging
import sys
from collections.abc import Iterator

import pytest

from connectors import notices
from tests.fakes.inbox import SECRET, Inbox, open_inbox
from tests.hostile import MARKUP, QUERIES


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["json", "form"])
def test_plain_text_arrives_as_it_was_written(inbox: Inbox, scheme: str) -> None:
    body = "\n".join(
        [*(text for text in [*MARKUP, *QUERIES] if "@" not in text), r"a \n stays, so does {{x}}", ":smile:"]
    )
    assert notices.send(inbox.address("box", scheme), "A title", body) == ""
    (mail,) = inbox.take()
    assert (mail.box, mail.title, mail.body) == ("box", "A title", body)


@pytest.mark.parametrize("text", MARKUP)
def test_where_html_is_shown_it_is_escaped(inbox: Inbox, text: str) -> None:
    assert notices.send(inbox.address(query="?format=html"), "t", f"x {text}") == ""
    (mail,) = inbox.take()
    assert not any(sign in mail.body.replace("<br/>", "") for sign in "<>")
    assert html.unescape(mail.body).replace("\xa0", " ").replace("\u200b", "") == f"x {text}"


def test_where_markdown_is_shown_it_is_escaped(inbox: Inbox) -> None:
    text = "[click](https://evil.example) *bold* `code` # head ![x](https://evil.example/x.png) <b>x</b>"
    notices.send(inbox.address(query="?format=markdown"), "t", text)
    (mail,) = inbox.take()
    for written in (r"\[click\]\(", r"\*bold\*", r"\`code\`", r"\!\[x\]", r"<b\>"):
        assert written in mail.body


def test_no_text_calls_a_channel_or_a_person_and_mail_addresses_stay(inbox: Inbox) -> None:
    notices.send(inbox.address(), "@here", "@everyone (@channel) ask anna@example.com or a.b+c@d.example")
    (mail,) = inbox.take()
    assert mail.title == "@\u200bhere"
    assert mail.body == "@\u200beveryone (@\u200bchannel) ask anna@example.com or a.b+c@d.example"


@pytest.mark.parametrize("status", [302, 401, 500])
def test_an_answer_that_is_no_success_is_told_by_its_status(inbox: Inbox, status: int) -> None:
    inbox.status, inbox.headers = status, {"Location": "/elsewhere"}
    assert notices.send(inbox.address(), "t", "b") == f"json: answered {status}"
    assert len(inbox.take()) == 1


def test_nothing_that_is_said_or_logged_holds_the_address(
    inbox: Inbox, capfd: pytest.CaptureFixture[str]
) -> None:
    inbox.status = 500
    heard = io.StringIO()
    listener = logging.StreamHandler(heard)
    logging.getLogger().addHandler(listener)
    said = [
        notices.send(inbox.address(), "t", "b"),
        notices.send(f"json://anna:{SECRET}@127.0.0.1:9/{SECRET}", "t", "b"),
        notices.send(f"nosuch://{SECRET}", "t", "b"),
        notices.send(f"mailto://{SECRET}", "t", "b"),
        notices.send(f"slack://{SECRET}/{SECRET}", "t", "b"),
        notices.trouble_with(f"json://[{SECRET}"),
        notices.kind_of(SECRET),
    ]
    assert all(said)
    logging.getLogger().removeHandler(listener)
    assert SECRET not in " ".join(said) + "".join(capfd.readouterr()) + heard.getvalue()


def test_without_the_extra_the_message_says_what_to_install(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert "Install Tieline with its extra `digests`" in notices.trouble_with(inbox.address())
    assert "extra `digests`" in notices.send(inbox.address(), "t", "b")
