"""Texts are remembered exactly, however many there are and in whatever parts they come."""

from __future__ import annotations

from connectors.finance.seen import Seen


def test_each_text_is_new_once_while_the_table_grows() -> None:
    seen, texts = Seen(), [f"L{number:08d}" for number in range(40_000)]
    parts = [texts[start : start + 700] for start in range(0, len(texts), 700)]
    assert all(seen.add_all(part) for part in parts)
    assert not any(seen.add(text) for text in texts)
    assert seen.add_all(["l00000001", "", "\ud800"])


def test_of_texts_among_which_one_is_known_or_twice_there_none_is_remembered() -> None:
    seen = Seen()
    assert seen.add("a")
    assert not seen.add_all(["b", "a"])
    assert not seen.add_all(["b", "b"])
    assert seen.add_all(["b", "c"])
