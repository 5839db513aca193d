"""The remote side: what goes over the wire, with which key, and what came back.

Facts about the API are from its documentation and the vendor's OpenAPI document.
"""

#: The modules that other rooms may import.
__all__ = [
    "answer",
    "client",
    "curl",
    "key",
    "payload",
    "refusal",
    "retry_after",
]
