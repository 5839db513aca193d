"""The remote side: what goes over the wire, with which key, and what came back.

Facts about the API are from its documentation and the vendor's OpenAPI document.
"""
