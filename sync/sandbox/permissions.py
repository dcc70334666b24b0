"""What the sandbox's account may see and do: the switches a test or a trainer turns."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Permissions:
    """Everything is allowed but administration, until said otherwise.

    Projects are named by key and issues by id. Without `admin` (or the project in `project_admin`) a change
    that suppresses notifications is refused as a whole, as real Jira does. In projects of `labels_off_screen`
    the edit screen lacks Labels: Data Center refuses to set it then, Cloud only says so in `editmeta`.
    """

    hidden_projects: set[str] = field(default_factory=set)
    hidden_issues: set[str] = field(default_factory=set)
    read_only_projects: set[str] = field(default_factory=set)
    read_only_issues: set[str] = field(default_factory=set)
    project_admin: set[str] = field(default_factory=set)
    labels_off_screen: set[str] = field(default_factory=set)
    admin: bool = False
    link_issues: bool = True
    bulk_change: bool = True
    add_comments: bool = True
    edit_own_comments: bool = True
    delete_own_comments: bool = True

    def may_browse(self, issue_id: str, project_key: str) -> bool:
        return issue_id not in self.hidden_issues and project_key not in self.hidden_projects

    def may_edit(self, issue_id: str, project_key: str) -> bool:
        if not self.may_browse(issue_id, project_key):
            return False
        return issue_id not in self.read_only_issues and project_key not in self.read_only_projects

    def may_administer(self, project_key: str) -> bool:
        return self.admin or project_key in self.project_admin
