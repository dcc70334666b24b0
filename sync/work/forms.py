"""Tell whether two machines would read the same of a site, from what they have in their settings about it."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import version

from connectors.jira import JiraSiteConfig

# What two machines may have differently of a site and still read the same; secrets go into no form.
OF_A_MACHINE = {
    "api_token", "pat", "password", "client_secret", "webhook_secret",
    "ca_bundle", "parallel", "page_size", "time_limit", "rate_limits", "bulk_edits", "markers",
}  # fmt: skip


def form_of(config: JiraSiteConfig, prefix: str) -> str:
    """Give what stands for how a site is read: by which Tieline, from where, which scope, which fields."""
    said = config.model_dump_json(exclude=OF_A_MACHINE)
    return sha256(f"{version('tieline')}\n{prefix}\n{said}".encode()).hexdigest()[:16]
