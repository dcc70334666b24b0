"""Connectors speak to the outside world and turn what it says into plain records.

The rules and the sync packages borrow their vocabulary from `connectors.records`.
"""
