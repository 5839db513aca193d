"""What the operator asked of the API server, by the audit log: others list and watch as well."""

from __future__ import annotations

import json
from typing import Any

from localcluster import Cluster

ACCOUNT = "system:serviceaccount:customevents:customevents"


def requests(cluster: Cluster, since: int) -> list[dict[str, Any]]:
    """What the account asked for, behind so many characters of the audit log."""
    lines = map(json.loads, cluster.audit_log.read_text()[since:].splitlines())
    return [line for line in lines if line["user"]["username"] == ACCOUNT]
