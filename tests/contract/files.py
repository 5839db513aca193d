"""Files that people apply, right ones and wrong ones, each by what is remarkable about it.

A real API server says which are which (through kubectl), and so must `customevents render`.
NAMESPACE stands for the namespace that they are applied to; one event is in it, named `there`.
"""

from __future__ import annotations

HEAD = "apiVersion: customevents.dev/v1alpha1\nkind: CustomEvent\n"
META = "metadata: {name: checkout}\n"
BASE = "eventType: release, summary: checkout 1.4.2 is live"


def event(spec: str = "", *, metadata: str = "name: checkout", more: str = "") -> str:
    """An event as a file; `spec` and `metadata` in flow style, beside what is needed."""
    beside = f"{BASE}, {spec}" if spec else BASE
    return f"{HEAD}metadata: {{{metadata}}}\nspec: {{{beside}}}\n{more}"


def scoped(scope: str) -> str:
    return event(f"scope: {{{scope}}}")


def detailed(details: str) -> str:
    return event(f"details: {{{details}}}")


def selecting(selector: str, beside: str = "") -> str:
    return scoped(f"serviceSelector: {{{selector}}}{beside}")


def expression(text: str) -> str:
    return selecting(f"matchExpressions: [{{{text}}}]")


TAKEN: dict[str, str] = {
    "two fields": event(),
    "details in quotes": detailed('commit: "72225e2", build: "0123456", version: "1.0"'),
    "details that only look odd": detailed("at: 12:30, day: 2026-01-31, ip: 10.0.0.1, v: 1.4.2"),
    "a detail that a template left empty": detailed("ticket: , by: ci"),
    "an empty map of details": detailed(""),
    "all lists of a scope": scoped("clusters: [a], namespaces: [b], serviceNames: [c.d]"),
    "a cluster with blanks in its name": scoped("clusters: [Prod EU / 1]"),
    "a level": scoped("level: Account"),
    "a selector": selecting("matchLabels: {app.kubernetes.io/part-of: shop}"),
    "a selector with one namespace": selecting(
        "matchLabels: {app: a}", ", namespaces: [NAMESPACE]"
    ),
    "an expression": expression("key: tier, operator: In, values: [web]"),
    "an expression without values": expression("key: tier, operator: Exists"),
    "parts that a template left empty": event("severity: , details: , scope: , suspend: "),
    "a deadline with a fraction of nothing": event("deliveryDeadlineSeconds: 60.0"),
    "a time in UTC": event("occurredAt: 2026-01-31T12:00:00Z"),
    "a time with a fraction and an offset": event("occurredAt: 2026-01-31T12:00:00.25+02:00"),
    "a time with nine digits": event("occurredAt: 2026-01-31T12:00:00.123456789Z"),
    "suspend as YAML 1.1 has it": event("suspend: yes"),
    "labels and annotations": event(
        metadata='name: a, labels: {a: b, c: ""}, annotations: {d: "1"}'
    ),
    "labels that are null": event(metadata="name: a, labels: , annotations: "),
    "an annotation in capitals": event(metadata="name: a, annotations: {Example.com/Key: x y}"),
    "a name of the longest": event(metadata=f"name: {'a' * 253}"),
    "a name of digits, in quotes": event(metadata='name: "1"'),
    "a status, which is dropped": event(more="status: {delivery: {state: Delivered}}\n"),
    "a status of another form": event(more="status: {conditions: 5}\n"),
    "what the API server wrote itself": event(
        metadata="name: a, uid: u, generation: 7, creationTimestamp: 2026-01-31T12:00:00Z, "
        "managedFields: [{manager: m, operation: Update, apiVersion: v1, time: "
        "2026-01-31T12:00:00Z, fieldsType: FieldsV1, fieldsV1: {}}]"
    ),
    "a finalizer": event(metadata="name: a, finalizers: [example.com/keep]"),
    "an owner": event(
        metadata="name: a, ownerReferences: [{apiVersion: v1, kind: Node, name: b, uid: c}]"
    ),
    "a generateName": event(metadata="generateName: checkout-"),
    "a generateName without a dash": event(metadata="generateName: checkout"),
    "the same object twice": f"{event()}---\n{event()}",
    "another kind beside it": f"apiVersion: v1\nkind: ConfigMap\n{META}---\n{event()}",
    "an empty document before it": f"---\n---\n{event()}",
    "a file for what is there, with another scope": event(
        "scope: {serviceNames: [checkout]}", metadata="name: there"
    ),
}

REFUSED: dict[str, str] = {
    # fields that are none
    "an unknown field on top": event(more="sepc: {}\n"),
    "an unknown field of metadata": event(metadata="name: checkout, lables: {a: b}"),
    "an unknown field of the spec": event("sumary: x"),
    "a misspelt scope": event("scop: {serviceNames: [checkout]}"),
    "the API's spelling of serviceNames": scoped("servicesNames: [checkout]"),
    "a misspelt list beside a good one": scoped("level: Account, serviceName: [checkout]"),
    "a scope in another case": event("Scope: {level: Account}"),
    "an unknown field of a selector": selecting("matchLabel: {app: a}, matchLabels: {b: c}"),
    "an unknown field of an expression": expression(
        "key: a, operator: In, value: [b], values: [b]"
    ),
    "an unknown field of a status": event(more="status: {delivery: {stat: Delivered}}\n"),
    "a field of the spec on top": f"{HEAD}{META}eventType: release\nsummary: x\n",
    # kinds that are none
    "a foreign group": event().replace("customevents.dev", "events.example.com"),
    "another version": event().replace("v1alpha1", "v1"),
    "no apiVersion": event().replace("apiVersion: customevents.dev/v1alpha1\n", ""),
    "a kind in lower case": event().replace("kind: CustomEvent", "kind: customevent"),
    "the plural for a kind": event().replace("kind: CustomEvent", "kind: CustomEvents"),
    "a foreign group beside a good one": event()
    + "---\n"
    + event().replace("customevents.dev", "events.example.com"),
    # names
    "a name with capitals": event(metadata="name: Checkout_1.4.2"),
    "a name with a path in it": event(metadata="name: ../other"),
    "a name that ends in a dash": event(metadata="name: checkout-"),
    "a name that is too long": event(metadata=f"name: {'a' * 254}"),
    "a name that is a number": event(metadata="name: 142"),
    "no name": event(metadata="namespace: NAMESPACE"),
    "no metadata": f"{HEAD}spec: {{{BASE}}}\n",
    "metadata that is a word": f"{HEAD}metadata: checkout\nspec: {{{BASE}}}\n",
    "a generateName with capitals": event(metadata="generateName: Checkout-"),
    "a namespace that is none": event(metadata="name: checkout, namespace: Not_One"),
    "another namespace than was asked for": event(metadata="name: checkout, namespace: default"),
    # labels and annotations
    "a label that is a number": event(metadata="name: a, labels: {version: 1}"),
    "a label that is true": event(metadata="name: a, labels: {canary: true}"),
    "an annotation that is a number": event(metadata="name: a, annotations: {build: 7}"),
    "labels that are a list": event(metadata="name: a, labels: [a]"),
    "a label with a blank": event(metadata="name: a, labels: {a: b c}"),
    "a label of 64 characters": event(metadata=f"name: a, labels: {{a: {'b' * 64}}}"),
    "a label's key with two slashes": event(metadata="name: a, labels: {a/b/c: d}"),
    "an annotation's key with a blank": event(metadata="name: a, annotations: {a b: c}"),
    "annotations of 300 kB": event(metadata=f"name: a, annotations: {{a: {'b' * 300_000}}}"),
    "a finalizer with a blank": event(metadata="name: a, finalizers: [a b]"),
    "a resourceVersion that is a number": event(metadata="name: a, resourceVersion: 7"),
    "a generation in quotes": event(metadata='name: a, generation: "7"'),
    "a creationTimestamp that is a word": event(metadata="name: a, creationTimestamp: today"),
    "an owner without a uid": event(
        metadata="name: a, ownerReferences: [{apiVersion: v1, kind: Node, name: b}]"
    ),
    "an unknown field of an owner": event(
        metadata="name: a, ownerReferences: [{apiVersion: v1, kind: Node, name: b, uid: c, d: e}]"
    ),
    "managedFields that are a word": event(metadata="name: a, managedFields: b"),
    # what is needed
    "no spec": f"{HEAD}{META}",
    "a spec of nothing": f"{HEAD}{META}spec:\n",
    "a spec that is a list": f"{HEAD}{META}spec: [a]\n",
    "no summary": f"{HEAD}{META}spec: {{eventType: release}}\n",
    "no eventType": f"{HEAD}{META}spec: {{summary: x}}\n",
    # types
    "an eventType that is a number": event().replace("eventType: release", "eventType: 7"),
    "a summary that is a list": event().replace("checkout 1.4.2 is live", "[a]"),
    "a commit that is a number": detailed("commit: 72225e2"),
    "a build that is an octal": detailed("build: 0123456"),
    "a version that is a number": detailed("version: 1.0"),
    "a detail that is true": detailed("hotfix: true"),
    "a detail that is a list": detailed("teams: [a]"),
    "a detail that is a map": detailed("a: {b: c}"),
    "details that are a list": event("details: [a]"),
    "a scope that is a word": event("scope: shop"),
    "a list that is a word": scoped("serviceNames: checkout"),
    "suspend as a word": event('suspend: "true"'),
    "a deadline in quotes": event('deliveryDeadlineSeconds: "3600"'),
    "a deadline with a fraction": event("deliveryDeadlineSeconds: 60.5"),
    "a deadline that is true": event("deliveryDeadlineSeconds: true"),
    "a null in a list": scoped("serviceNames: [null]"),
    # bounds
    "an eventType of 61 characters": event().replace("release", "x" * 61),
    "an empty eventType": event().replace("release", '""'),
    "an eventType of two lines": event().replace("release", '"a\\nb"'),
    "a summary of 4097 characters": event().replace("checkout 1.4.2 is live", "x" * 4097),
    "65 details": detailed(", ".join(f'k{n}: "1"' for n in range(65))),
    "a detail of 1025 characters": detailed(f"a: {'x' * 1025}"),
    "an empty detail": detailed('a: ""'),
    "a detail's name of 129 characters": detailed(f"{'k' * 129}: x"),
    "a detail's empty name": detailed('"": x'),
    "a reserved detail": detailed("customevents.dev/id: x"),
    "an empty list": scoped("level: Account, serviceNames: []"),
    "a namespace of 64 characters": scoped(f"namespaces: [{'a' * 64}]"),
    "201 services": scoped(f"serviceNames: [{', '.join(f's{n}' for n in range(201))}]"),
    "a deadline of 59 s": event("deliveryDeadlineSeconds: 59"),
    "a deadline of a year": event("deliveryDeadlineSeconds: 31536000"),
    "a ttl below 0": event("ttlSecondsAfterFinished: -1"),
    "a ttl beyond 32 bits": event("ttlSecondsAfterFinished: 2147483648"),
    # enums
    "an unknown severity": event("severity: Critical"),
    "a severity in capitals": event("severity: ERROR"),
    "an unknown level": scoped("level: account"),
    "an unknown policy": event("onUnknownOutcome: retry"),
    "an unknown operator": expression("key: a, operator: in, values: [b]"),
    # rules
    "an empty scope": scoped(""),
    "a scope that a template left empty": scoped("serviceNames: , clusters: "),
    "a wildcard": scoped('serviceNames: ["*"]'),
    "two names in one": scoped('namespaces: ["a,b"]'),
    "a workload in capitals": scoped("serviceNames: [Checkout]"),
    "a namespace with a dot": scoped("namespaces: [a.b]"),
    "a cluster with a blank at its end": scoped('clusters: ["prod "]'),
    "an empty selector": selecting(""),
    "a selector of empty parts": selecting("matchLabels: {}, matchExpressions: []"),
    "a selector with serviceNames": selecting("matchLabels: {a: b}", ", serviceNames: [c]"),
    "a selector with clusters": selecting("matchLabels: {a: b}", ", clusters: [c]"),
    "a selector with two namespaces": selecting("matchLabels: {a: b}", ", namespaces: [c, d]"),
    "a selector with a level": selecting("matchLabels: {a: b}", ", level: Account"),
    "a selector's key with a blank": selecting("matchLabels: {a b: c}"),
    "a selector's value with a blank": selecting("matchLabels: {a: b c}"),
    "In without values": expression("key: a, operator: In"),
    "Exists with values": expression("key: a, operator: Exists, values: [b]"),
    # times
    "a time without a zone": event("occurredAt: 2026-01-31T12:00:00"),
    "a date": event("occurredAt: 2026-01-31"),
    "a time with a blank": event('occurredAt: "2026-01-31 12:00:00Z"'),
    "a time without seconds": event("occurredAt: 2026-01-31T12:00Z"),
    "a time in small letters": event("occurredAt: 2026-01-31t12:00:00z"),
    "a time with an offset of four digits": event("occurredAt: 2026-01-31T12:00:00+0200"),
    "a day that is none": event("occurredAt: 2026-02-30T12:00:00Z"),
    "a second that is none": event("occurredAt: 2026-01-31T12:00:60Z"),
    "an hour that is none": event("occurredAt: 2026-01-31T24:00:00Z"),
    "a time before there were computers": event("occurredAt: 1969-12-31T23:59:59Z"),
    "a time of seconds": event("occurredAt: 1769860800"),
    "a time of seconds in quotes": event('occurredAt: "1769860800"'),
    "a word for a time": event("occurredAt: yesterday"),
    # what only the cluster knows
    "a version of what is there that is not today's": event(
        metadata='name: there, resourceVersion: "1"'
    ),
    "the uid of another object": event(
        metadata="name: there, uid: 7d3c9e5a-8f53-4ab0-9a41-0c6b1d2e3f40"
    ),
}

#: Of the refused ones those that cannot be known without the cluster, and why.
ONLY_THE_CLUSTER_KNOWS: dict[str, str] = {
    "a version of what is there that is not today's": "it is compared with what is there",
    "the uid of another object": "it is compared with what is there",
    "another namespace than was asked for": "the file is right; the command line asks for another",
}
