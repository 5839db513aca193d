"""Whom an event is about: what the author named, and what the live cluster fills in."""

#: The modules that other rooms may import.
__all__ = [
    "cluster_links",
    "cluster_name",
    "discovery",
    "fill",
    "resolve",
    "workloads",
]
