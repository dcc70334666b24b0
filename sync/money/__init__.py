"""The way of money into the store: promotion, conversion, proposals, a second reading."""
