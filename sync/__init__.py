"""Sync runs the night: pull, link, judge, plan, guard, write back, report."""
