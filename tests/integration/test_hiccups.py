"""An API server that fails for a moment while a CI job asks it: the job goes on, and tells once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from localcluster import Cluster

from integration.conftest import Events, Shell, StartOperator
from proxy import Answer, ApiProxy, CutAfter, CutBefore, HangAfter, HangBefore, RawAnswer, Rule

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
FLAGS = ("--type", "release", "--summary", "checkout 1.4.2 is live")

BEFORE = {
    "429": Answer(429, retry_after=1),
    "500": Answer(500),
    "502": Answer(502),
    "503": Answer(503),
    "504": Answer(504),
    "a dropped connection": CutBefore(),
}
AFTER = {
    "an answer that is lost": CutAfter(),
    "a gateway that waited too long": Answer(504, after=True),
}


@pytest.fixture(scope="module")
def job(cluster: Cluster) -> Iterator[Path]:
    """A kubeconfig of a service account that may write CustomEvents, as a CI job has it."""
    cluster.kubectl("create", "serviceaccount", "job", "-n", "default")
    role = ("--clusterrole=cluster-admin", "--serviceaccount=default:job")
    cluster.kubectl("create", "clusterrolebinding", "job", *role)
    yield cluster.service_account_kubeconfig("default", "job")
    cluster.kubectl("delete", "clusterrolebinding", "job")
    cluster.kubectl("delete", "serviceaccount", "job", "-n", "default")


@pytest.fixture
def proxy(job: Path, tmp_path: Path) -> Iterator[ApiProxy]:
    with ApiProxy(job, tmp_path) as running:
        yield running


def through(proxy: ApiProxy) -> tuple[str, str]:
    return "--kubeconfig", str(proxy.kubeconfig)


@pytest.mark.parametrize("hiccup", BEFORE.values(), ids=BEFORE)
def test_each_command_outlives_a_hiccup(
    events: Events, customevents: Shell, proxy: ApiProxy, hiccup: Answer | CutBefore
) -> None:
    events.apply("checkout", {**SPEC, "scope": {"clusters": ["prod-eu-1"]}})
    for command in (
        ("list",),
        ("resend", "checkout"),
        ("render", "checkout"),
        ("wait", "checkout", "--timeout", "0"),
    ):
        rule = proxy.add(Rule(None, "/customevents", hiccup))
        done = customevents(*command, *through(proxy))
        assert rule.hits == 1, command
        assert done.returncode == (3 if command[0] == "wait" else 0), done.stderr


@pytest.mark.parametrize("hiccup", [*BEFORE.values(), *AFTER.values()], ids=[*BEFORE, *AFTER])
def test_what_is_sent_is_there_once_whatever_became_of_the_first_try(
    events: Events,
    customevents: Shell,
    start_operator: StartOperator,
    proxy: ApiProxy,
    hiccup: Answer | CutBefore | CutAfter,
) -> None:
    start_operator()
    created = proxy.add(Rule("POST", "/customevents", hiccup))
    looked = proxy.add(Rule("GET", "/customevents/", CutBefore()))
    done = customevents("send", *FLAGS, *through(proxy))
    assert (done.returncode, created.hits, looked.hits) == (0, 1, 1), done.stderr
    assert len(events.sent()) == 1
    assert events.kubectl("get", "cev", "-o", "name").count("\n") == 1


def test_a_name_that_is_taken_is_said_and_nothing_is_overwritten(
    events: Events, customevents: Shell
) -> None:
    events.apply("checkout", {**SPEC, "summary": "the first"})
    done = customevents("send", *FLAGS, "--name", "checkout")
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert f"there is another {events.namespace}/checkout already: give another" in done.stderr
    assert events.get("checkout")["spec"]["summary"] == "the first"


@pytest.mark.parametrize("hung", [HangBefore(), HangAfter()], ids=["before", "after"])
def test_an_api_server_that_never_answers_is_one_line_within_some_seconds(
    customevents: Shell, proxy: ApiProxy, hung: HangBefore | HangAfter
) -> None:
    proxy.add(Rule("GET", "/customevents", hung, count=None))
    begun = time.monotonic()
    done = customevents("list", *through(proxy))
    assert time.monotonic() - begun < 20
    said = "customevents: the Kubernetes API did not answer within 10 s\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_what_only_a_person_can_mend_ends_at_once(customevents: Shell, proxy: ApiProxy) -> None:
    rule = proxy.add(Rule("GET", "/customevents", Answer(403), count=None))
    done = customevents("list", *through(proxy))
    assert (done.returncode, rule.hits) == (1, 1)


def test_a_login_page_is_one_line_at_once(customevents: Shell, proxy: ApiProxy) -> None:
    begun = time.monotonic()
    page = RawAnswer(200, "text/html", "<html>sign in</html>")
    for command in (("list",), ("wait", "checkout"), ("send", *FLAGS)):
        rule = proxy.add(Rule(None, "/customevents", page))
        done = customevents(*command, *through(proxy))
        assert (done.stdout, done.stderr.count("\n"), rule.hits) == ("", 1, 1)
        assert "is something in between?" in done.stderr
    assert time.monotonic() - begun < 10


def test_who_never_hears_of_what_was_sent_is_told_its_name(
    events: Events, customevents: Shell, proxy: ApiProxy
) -> None:
    """A job that is run again would else tell it twice."""
    proxy.add(Rule("POST", "/customevents", CutAfter()))
    proxy.add(Rule(None, "/customevents", Answer(503), nth=2, count=None))
    done = customevents("send", *FLAGS, "--timeout", "0", *through(proxy))
    assert done.returncode == 4
    name = events.kubectl("get", "cev", "-o", "name").strip().partition("/")[2]
    path = f"{events.namespace}/{name}"
    assert f"{path} may have been created all the same: look before you send" in done.stderr


def test_a_wait_of_more_than_some_seconds_ends_with_what_was_seen(
    events: Events, customevents: Shell
) -> None:
    events.apply("checkout", SPEC)
    done = customevents("wait", "cev/checkout", "--timeout", "11s")
    assert (done.returncode, done.stderr) == (3, "")
    assert f"{events.namespace}/checkout is still Pending: Waiting for the operator" in done.stdout


def test_an_event_that_was_seen_and_cannot_be_any_more_is_a_timeout(
    events: Events, customevents: Shell, proxy: ApiProxy
) -> None:
    proxy.add(Rule("GET", "/customevents/", Answer(503), count=None))
    done = customevents("send", *FLAGS, "--name", "checkout", "--timeout", "1s", *through(proxy))
    assert done.returncode == 3, done.stderr
    assert "checkout was Pending, and cannot be seen: the Kubernetes API answered" in done.stdout
    assert events.get("checkout")


def test_a_namespace_that_is_not_there_gets_no_all_clear(
    customevents: Shell,
) -> None:
    flags = ("-n", "nosuchnamespace")
    for command in (
        ("list",),
        ("list", "-o", "json"),
        ("resend", "--failed"),
        ("check",),
        ("wait", "checkout"),
    ):
        done = customevents(*command, *flags)
        assert done.returncode in (1, 4), command
        assert "there is no namespace nosuchnamespace" in done.stdout + done.stderr, command


def test_who_may_not_look_whether_a_namespace_is_there_is_told_so(
    customevents: Shell, account: Path
) -> None:
    done = customevents("list", "-n", "nosuchnamespace", "--kubeconfig", str(account))
    said = (
        "No CustomEvent in nosuchnamespace is undelivered (you may not look whether it is there)."
    )
    assert (done.returncode, done.stderr) == (0, f"{said}\n")
