"""Objectives: CSV and YAML files in, business goals and claimed links to them out."""

from connectors.objectives.config import LinksConfig, ObjectivesSourceConfig, canonical
from connectors.objectives.source import LinksSource, ObjectivesSource

__all__ = ["LinksConfig", "LinksSource", "ObjectivesSource", "ObjectivesSourceConfig", "canonical"]
