"""Small readers of what people write into settings and `sources.yaml`."""
