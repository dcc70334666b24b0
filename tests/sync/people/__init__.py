"""People and Tieline on the same tickets, and a small model that says what must be on each of them."""
