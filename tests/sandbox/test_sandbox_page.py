"""The page's files, as they are served."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from customevents.sandbox import Running, running
from sandbox.sandbox_client import Reply, send

ROOT = Path(__file__).parents[2]
FILES = {
    "/": "text/html",
    "/timeline.css": "text/css",
    "/timeline.js": "text/javascript",
    "/timeline.svg": "image/svg+xml",
}


@pytest.fixture
def api() -> Iterator[Running]:
    with running() as started:
        yield started


def get(api: Running, path: str) -> Reply:
    return send(api, "GET", path, headers={"Accept": "text/html,*/*;q=0.8"})


@pytest.mark.parametrize(("path", "kind"), FILES.items())
def test_each_file_has_its_type_and_lets_nothing_else_in(
    api: Running, path: str, kind: str
) -> None:
    reply = get(api, path)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    policy = reply.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert not any("unsafe" in each or "*" in each or "http" in each for each in policy)


def test_a_browser_may_ask_for_nothing_but_what_the_page_is_made_of(api: Running) -> None:
    policy = dict(
        each.split(" ", 1) for each in get(api, "/").headers["Content-Security-Policy"].split("; ")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_every_file_of_the_folder_is_served_and_no_other(api: Running) -> None:
    folder = resources.files("customevents.sandbox") / "timeline"
    names = {file.name for file in folder.iterdir()}
    assert names == {"timeline.html", *(path[1:] for path in FILES if path != "/")}
    for path in FILES:
        name = path[1:] or "timeline.html"
        assert get(api, path).body == (folder / name).read_bytes()
    for path in ("/timeline.html", "/timeline/timeline.js", "/timeline.js/", "/..%2fpage.py"):
        assert get(api, path).status == 404


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/html", "text/html"),
        ("*/*", "text/plain"),
        ("application/json", "text/plain"),
        (None, "text/plain"),
    ],
)
def test_who_takes_html_gets_the_page_and_nothing_keeps_it_for_others(
    api: Running, accept: str | None, kind: str
) -> None:
    reply = send(api, "GET", "/", headers={"Accept": accept} if accept else {})
    assert reply.headers["Content-Type"].startswith(kind)
    assert reply.headers["Vary"] == "Accept"
    assert reply.headers["Cache-Control"] == "no-cache"


def test_curl_is_told_what_can_be_asked(api: Running) -> None:
    reply = send(api, "GET", "/", headers={"Accept": "*/*"})
    assert reply.headers["Content-Type"].startswith("text/plain")
    for path in ("/mgmt/v1/events", "/sandbox/faults", "/sandbox/behaviour", "/sandbox/changes"):
        assert path in reply.body.decode()


def test_the_page_names_no_other_place() -> None:
    folder = ROOT / "operator" / "customevents" / "sandbox" / "timeline"
    for file in folder.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text


def test_nothing_of_the_package_is_left_out_of_a_wheel() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert settings == {"targets": {"wheel": {"packages": ["operator/customevents"]}}}
