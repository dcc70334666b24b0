"""The store: tables, migrations and the only SQL of the service."""
