"""What holds a run together: its lease, its time, its journal, and how it may end."""
