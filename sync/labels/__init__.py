"""What goes on tickets and comes off again: the plan, its guard, the writing, undo."""
