"""Share the reading of sources out: to this process alone, or to workers on as many machines as wanted."""
