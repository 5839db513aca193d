"""Whom an event is about: what the author named, and what the live cluster fills in."""
