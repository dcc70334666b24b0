"""Keep an installation in order: the first set-up, where settings come from, backups, what is forgotten."""
