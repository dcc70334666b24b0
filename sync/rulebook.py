"""Load the rules and waivers that the settings name, bound to the store as of a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from connectors.finance.currencies import EXPONENTS
from rules.moments import Context
from rules.pack import load, load_again, shipped
from rules.problem import RuleErrors
from rules.ruleset import RuleFile, RuleSet
from sync.errors import ConfigurationError
from sync.settings import Settings
from sync.sources import declared_fields
from sync.store.catalogue import Frame, bind_catalogue


def frame_of(settings: Settings, now: datetime) -> Frame:
    """Say what today, this fiscal year, our currency and our labels are at a moment."""
    context = context_of(settings, now)
    return Frame(
        today=now.astimezone(settings.zone).date(),
        fiscal_year=settings.fiscal_year or context.fiscal_year(),
        currency=settings.currency,
        prefix=settings.label_prefix,
        fields=declared_fields(settings.sources),
    )


def context_of(settings: Settings, now: datetime) -> Context:
    """Give what conditions depend on besides the item."""
    return Context(
        now=now,
        timezone=settings.zone,
        fiscal_start=settings.fiscal_year_start,
        currency=settings.currency,
        minor_digits=EXPONENTS[settings.currency],
    )


def load_rules(
    settings: Settings, now: datetime, paths: Sequence[Path] = (), waivers: Sequence[Path] = ()
) -> RuleSet:
    """Load the rules and waivers named, or those of the settings, bound to the store as of a moment."""
    configured = [settings.rules] if settings.rules is not None else shipped()
    granted = [settings.waivers] if settings.waivers is not None else []
    catalogue, context = bind_catalogue(frame_of(settings, now)), context_of(settings, now)
    try:
        rules = load(paths or configured, catalogue, context, waivers or granted)
    except RuleErrors as errors:
        raise ConfigurationError(*(problem.render() for problem in errors.problems)) from None
    keep_labels_apart(settings, rules)
    return rules


def keep_labels_apart(settings: Settings, rules: RuleSet) -> None:
    """Refuse rules that put a label by which people ask for something: nobody could tell whose it is."""
    asking = {name.casefold(): kind for kind, name in settings.asking.items()}
    problems = [
        f"Rule {rule.id} puts the label {label}, by which people ask for something on a ticket. Give the "
        f"rule another label, or set TIELINE_{asking[label.casefold()].upper()}_LABEL."
        for rule in rules.rules
        if rule.label is not None
        if (label := settings.label_prefix + rule.label).casefold() in asking
    ]
    if problems:
        raise ConfigurationError(*problems)


def load_rules_again(settings: Settings, now: datetime, files: Sequence[RuleFile]) -> RuleSet:
    """Load rules as a run had them, bound to the store as of a moment."""
    catalogue, context = bind_catalogue(frame_of(settings, now)), context_of(settings, now)
    try:
        return load_again(files, catalogue, context)
    except RuleErrors as errors:
        raise ConfigurationError(*(problem.render() for problem in errors.problems)) from None
