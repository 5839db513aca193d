"""Helm as its users run it: one of two majors, on the chart of this checkout."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "customevents-operator"
CI = sorted((CHART / "ci").glob("*-values.yaml"))

#: What an install takes at the least.
MINIMAL = ("--set", "apiKeySecret.name=komodor-api-key")

Json = dict[str, Any]


@dataclass(frozen=True)
class Helm:
    """One binary, and the environment that says which cluster it talks to."""

    binary: Path
    env: Mapping[str, str]

    def __call__(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.binary, *args],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def succeed(self, *args: str | Path) -> str:
        """Run it; what it said. It must succeed, and warn of nothing."""
        done = self(*args)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    def refusal(self, *args: str | Path) -> str:
        """Run it; why it refused."""
        done = self(*args)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def template(self, *args: str | Path, chart: Path = CHART) -> list[Json]:
        """The objects that a release `customevents` in namespace `customevents` has."""
        return objects(self.succeed("template", "customevents", chart, "-n", "customevents", *args))


def objects(manifests: str) -> list[Json]:
    """The objects in a stream of YAML."""
    documents = yaml.load_all(manifests, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return [document for document in documents if document]


def one(found: list[Json], kind: str, name: str) -> Json:
    """The object of this kind and name."""
    (it,) = [o for o in found if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return it


def kinds(found: list[Json]) -> set[tuple[str, str]]:
    """Kind and name of each object; no two are the same but in two namespaces."""
    return {(o["kind"], o["metadata"]["name"]) for o in found}


def environment(deployment: Json) -> dict[str, str]:
    """The plain values in the environment of a Deployment's container."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
