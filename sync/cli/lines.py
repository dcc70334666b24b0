"""Show what explains a budget line: file, mapping, versions, the levels of matching, the shares."""

from __future__ import annotations

from connectors.finance.money import format_minor
from sync.cli.output import Output
from sync.explain.money import LineExplanation, ShareView


def show_lines(output: Output, explained: list[LineExplanation]) -> None:
    """Show each line, with a gap between two."""
    for number, it in enumerate(explained):
        if number:
            output.line()
        show_line(output, it)


def show_line(output: Output, it: LineExplanation) -> None:
    """Show one line from where it was read to what it serves."""
    amount = f"{format_minor(it.amount_minor, it.currency)} {it.currency}"
    output.line(f"{it.version} {it.period}: {amount}", style="bold")
    output.line(f"{it.id} of source {it.source}")
    digest = f" (sha256 {it.sha256[:12]}…)" if it.sha256 else ""
    output.line(f"Read from {it.place}{digest}; stated so since run {it.since_run}.")
    if it.worth:
        output.line(f"Worth {it.worth}.")
    for title, texts in (
        ("Read as", it.mapping),
        ("Codes", it.codes),
        ("Stated before", it.earlier),
        ("Decisions", it.decisions),
    ):
        if texts:
            output.line(f"\n{title}", style="bold")
        for text in texts:
            output.line(f"  {text}")
    output.line("\nMatching", style="bold")
    for level in it.levels:
        output.line(f"  {'✓' if level.found else '·'} {level.title}: {'; '.join(level.found) or 'nothing'}")
    output.line("\nShares", style="bold")
    for share in it.shares:
        show_share(output, it.currency, share)
    if not it.shares:
        output.line("  not shared out yet: `tieline run` does that")


def show_share(output: Output, currency: str, share: ShareView) -> None:
    """Show one share, why it falls there, and what that serves."""
    whom = f"{share.key}  {share.summary}" if share.key else share.summary
    output.line(f"  {format_minor(share.amount_minor, currency)} {currency}  {whom}")
    output.line(f"      {share.why}")
    output.line(f"      serves {', '.join(share.objectives) or 'no objective'}")
