"""The promise: each event is told once, or the object says why not.

The way of an event through this room is one straight line, in `courier.py`.
"""
