"""The history of the schema, one Alembic revision for each change."""
