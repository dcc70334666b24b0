"""Say of one ticket or one budget line what was found, why, and what would clear it."""
