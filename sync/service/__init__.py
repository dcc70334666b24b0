"""The operated service: when what is run, how it is seen from outside, and how it ends."""
