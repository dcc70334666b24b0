"""Take a webhook of Jira for a hint that an item may have changed, and judge that item at once."""
