"""Set up what rule files are read with: from the files named on the command line, or from the settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rules.catalogue import Catalogue
from rules.moments import Context
from rules.pack import load, shipped
from rules.problem import RuleErrors
from rules.ruleset import RuleSet
from rules.vocabulary import vocabulary
from sync.cli.session import read_settings, utc_now
from sync.errors import ConfigurationError
from sync.rulebook import context_of
from sync.sources import declared_fields


@dataclass(frozen=True, slots=True)
class Desk:
    """What rule files are read with: the words they may use, the moment, and which files."""

    catalogue: Catalogue
    context: Context
    paths: list[Path]
    waivers: list[Path]

    def load(self) -> RuleSet:
        """Load the files; raise `RuleErrors` with their mistakes."""
        return load(self.paths, self.catalogue, self.context, self.waivers)

    def checked(self) -> RuleSet:
        """Load files that must have no mistakes."""
        try:
            return self.load()
        except RuleErrors as errors:
            raise ConfigurationError(*(problem.render() for problem in errors.problems)) from None


def desk_for(paths: Sequence[Path] | None, env_file: Path | None) -> Desk:
    """Set up for the files named, or for the rules and waivers that are configured."""
    settings = read_settings(env_file)
    configured = [settings.rules] if settings.rules is not None else shipped()
    catalogue = vocabulary(declared_fields(settings.sources))
    granted = [settings.waivers] if settings.waivers is not None and not paths else []
    return Desk(catalogue, context_of(settings, utc_now()), list(paths or configured), granted)
