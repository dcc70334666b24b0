"""Everything about Jira, Cloud and Data Center: its issues as work items and objectives, and its labels."""

from connectors.jira.config import JiraSiteConfig
from connectors.jira.diagnosis import Diagnosis, diagnose
from connectors.jira.discovery import Access, IssueType
from connectors.jira.doorbell import deployment_at
from connectors.jira.labels import JiraLabels
from connectors.jira.markers import JiraMarkers
from connectors.jira.outside import OutsideObjectives, outside_name
from connectors.jira.remarks import FEATURES, NEEDED
from connectors.jira.remote import RemoteLinks, remote_name
from connectors.jira.site import CLOUD, DATA_CENTER, JiraSite, connect
from connectors.jira.source import JiraIssues, JiraObjectives

__all__ = [
    "CLOUD",
    "DATA_CENTER",
    "FEATURES",
    "NEEDED",
    "Access",
    "Diagnosis",
    "IssueType",
    "JiraIssues",
    "JiraLabels",
    "JiraMarkers",
    "JiraObjectives",
    "JiraSite",
    "JiraSiteConfig",
    "OutsideObjectives",
    "RemoteLinks",
    "connect",
    "deployment_at",
    "diagnose",
    "outside_name",
    "remote_name",
]
