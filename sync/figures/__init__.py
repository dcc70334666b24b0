"""What a run came to, as plain values, the same for page, JSON, CSV and command line."""
