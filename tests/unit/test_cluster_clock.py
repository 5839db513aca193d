"""The API server's clock, as it can be told from answers whose Date has whole seconds."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents import kube
from customevents.chosen import Chosen
from customevents.clocks import ClusterClock
from customevents.resource.errors import ClusterError
from kubeconfigs import write
from unit.builders import NOW, later
from unit.raw_server import Connection, serving

HOUR = 3600.0


class Scene:
    """A machine whose clock is as many seconds wrong, and an API server whose clock is right."""

    def __init__(self, wrong: float = 0.0) -> None:
        self.up = 5000.0
        self.wrong = wrong
        #: Seconds by which the API server's clock is wrong.
        self.server = 0.0
        self.clock = ClusterClock(wall=self.wall, uptime=lambda: self.up)

    def wall(self) -> datetime:
        return later(self.up - 5000.0 + self.wrong)

    def truth(self) -> datetime:
        return later(self.up - 5000.0 + self.server)

    def error(self) -> float:
        """Seconds by which what is believed is ahead of the API server's clock."""
        return (self.clock.now() - self.truth()).total_seconds()

    def request(self, there: float = 0.01, back: float = 0.01) -> None:
        asked = self.up
        self.up += there
        date = format_datetime(self.truth().replace(microsecond=0), usegmt=True)
        self.up += back
        self.clock.heard(date, asked)

    def requests(self, seconds: int) -> None:
        for _ in range(seconds * 3):
            self.up += 1 / 3
            self.request()


def test_before_an_answer_it_is_the_machines_clock() -> None:
    scene = Scene(wrong=HOUR)
    assert scene.clock.now() == scene.wall()
    assert scene.clock.skew is None


@pytest.mark.parametrize("wrong", [HOUR, -HOUR, 86_400_000.0, 5.0])
def test_one_answer_puts_it_right_to_the_second(wrong: float) -> None:
    scene = Scene(wrong)
    scene.request()
    assert abs(scene.error()) < 1.1
    assert scene.clock.skew == pytest.approx(wrong, abs=1.1)


def test_where_the_machines_clock_is_right_nothing_changes() -> None:
    scene = Scene()
    scene.request()
    assert scene.clock.now() == scene.wall()
    assert scene.clock.skew == 0.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 86_400_000.0])
def test_whoever_sets_the_machines_clock_changes_nothing_but_what_is_told_of_it(
    jump: float,
) -> None:
    scene = Scene()
    scene.requests(10)
    before = scene.clock.now()
    scene.wrong = jump
    scene.up += 5.0
    assert scene.clock.now() == before + timedelta(seconds=5.0)
    assert scene.clock.skew == pytest.approx(jump, abs=0.001)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_an_api_server_whose_clock_is_set_is_believed_at_once_where_this_machines_is_set_too(
    jump: float,
) -> None:
    scene = Scene()
    scene.requests(10)
    scene.server = scene.wrong = jump
    scene.request()
    assert abs(scene.error()) < 1.1


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_an_api_server_whose_clock_alone_is_set_is_believed_after_ten_minutes(jump: float) -> None:
    scene = Scene()
    scene.requests(10)
    scene.server = jump
    scene.requests(500)
    assert abs(scene.error()) == pytest.approx(HOUR, abs=1.1)
    scene.requests(100)
    assert abs(scene.error()) < 1.1


@pytest.mark.parametrize("wrong", [0.0, 30.0, -30.0])
@pytest.mark.parametrize("off", [HOUR, -HOUR, 90_000.0])
def test_of_three_api_servers_the_one_that_is_off_is_not_believed(off: float, wrong: float) -> None:
    """A connection lasts: each of them answers many times in a row."""
    scene = Scene(wrong)
    for server in [0.0, off, 0.0, 0.0, off] * 5:
        scene.server = server
        for _ in range(30):
            scene.up += 10.0
            scene.request()
        scene.server = 0.0
        assert abs(scene.error()) < 1.1


def test_an_api_server_that_is_off_and_answers_first_is_believed_only_until_another_does() -> None:
    scene = Scene()
    scene.server = HOUR
    scene.requests(10)
    scene.server = 0.0
    scene.request()
    assert abs(scene.error()) < 1.1


@pytest.mark.parametrize("wrong", [HOUR, -HOUR])
def test_on_a_machine_that_is_off_the_api_server_is_believed_from_its_first_answer_on(
    wrong: float,
) -> None:
    scene = Scene(wrong)
    for _ in range(100):
        scene.requests(10)
        assert abs(scene.error()) < 1.1


@given(
    wrong=st.floats(-5000.0, 5000.0),
    fraction=st.floats(0.0, 1.0),
    pauses=st.lists(
        st.tuples(st.floats(0.0, 60.0), st.floats(0.0, 2.0), st.floats(0.0, 2.0)), max_size=50
    ),
)
def test_it_is_never_further_off_than_the_answers_leave_open_and_never_goes_back(
    wrong: float, fraction: float, pauses: list[tuple[float, float, float]]
) -> None:
    scene = Scene(wrong)
    scene.up += fraction
    scene.request()
    shown = scene.clock.now()
    widest = 1.02
    for pause, there, back in pauses:
        scene.up += pause
        scene.request(there, back)
        assert abs(scene.error()) <= widest + 0.001
        assert scene.clock.now() >= shown - timedelta(microseconds=1)
        shown = scene.clock.now()


def test_several_api_servers_whose_clocks_differ_by_little_do_not_make_it_tremble() -> None:
    scene = Scene()
    shown = scene.clock.now()
    for number in range(1000):
        scene.up += 0.1
        scene.server = 0.3 * (number % 3)
        scene.request()
        assert scene.clock.now() >= shown
        shown = scene.clock.now()
    assert abs(scene.error()) < 1.5


def test_two_clocks_that_drift_apart_do_not_make_it_step_back() -> None:
    scene = Scene()
    shown = scene.clock.now()
    for _ in range(10_000):
        scene.up += 1.0
        scene.server -= 0.0005
        scene.request()
        assert scene.clock.now() >= shown
        shown = scene.clock.now()
    assert abs(scene.error()) < 1.1


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "now",
        "Thu, 99 Jan 2026 03:04:05 GMT",
        "Fri, 02 Jan 2026 03:04:05 +9999",
        "Fri, 02 Jan 99999999999999999999 03:04:05 GMT",
        "Fri, 02 Jan 2026 03:04:05 -0000",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359",
    ],
)
def test_what_cannot_be_the_time_is_ignored(date: str | None) -> None:
    scene = Scene()
    scene.clock.heard(date, scene.up)
    assert scene.clock.skew is None
    scene.request()
    scene.clock.heard(date, scene.up)
    assert scene.error() == 0.0


def test_without_a_scene_it_is_the_clock_of_this_machine() -> None:
    clock = ClusterClock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    clock.heard(format_datetime(NOW, usegmt=True), clock.uptime())
    assert clock.skew is not None
    assert abs(clock.now() - NOW) < timedelta(seconds=5)


# --- Who is believed

IN_2040 = b"Date: Sun, 01 Jan 2040 00:00:00 GMT\r\n"


async def heard_from(folder: Path, answer: bytes) -> ClusterClock:
    """A clock after one request to what answers so."""

    async def behave(connection: Connection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(answer)

    clock = ClusterClock()
    async with serving(behave) as server:
        kubeconfig = write(folder, {"server": f"http://127.0.0.1:{server.port}"})
        async with kube.connect(clock, Chosen(str(kubeconfig))) as cluster:
            with contextlib.suppress(ClusterError):
                await cluster.get("/api/v1/namespaces/shop")
    return clock


@pytest.mark.asyncio
async def test_an_answer_of_the_api_server_tells_the_time(tmp_path: Path) -> None:
    body = b'{"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop"}}'
    said = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body) + IN_2040 + b"\r\n" + body
    assert (await heard_from(tmp_path, said)).now().year == 2040


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n" + IN_2040 + b"\r\n<html>Hello</html>", id="a page"),
        pytest.param(b"HTTP/1.1 503 No\r\n" + IN_2040 + b"\r\n{}", id="a refusal"),
    ],
)
async def test_what_something_in_between_answers_tells_no_time(said: bytes, tmp_path: Path) -> None:
    assert (await heard_from(tmp_path, said)).skew is None
