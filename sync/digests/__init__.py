"""What changed since somebody was last told, as one message for each person and night."""
