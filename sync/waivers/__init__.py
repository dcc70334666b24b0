"""What people ask to be let off, who answers, and what their owners should know."""
