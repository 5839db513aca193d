"""Custom events on the Komodor timeline, from Kubernetes."""

__version__ = "0.1.0"
