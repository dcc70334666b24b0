"""Rules judge: JQL conditions over the records, as SQL and as plain Python, without I/O."""
