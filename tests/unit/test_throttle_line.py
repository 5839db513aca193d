"""At the gate, first come is first served."""

from __future__ import annotations

import asyncio

from customevents.delivery.throttle import TokenBucket
from unit.throttled import CREATED, Place, play


def test_who_waits_for_a_token_never_loses_it_to_one_behind() -> None:
    place = Place(bucket=TokenBucket(rate=5.0, burst=1))
    served: list[int] = []

    async def attempt(number: int) -> None:
        assert await place.throttle.enter("uid") is None
        served.append(number)
        place.throttle.leave(CREATED)

    async def story() -> None:
        attempts = []
        for number in range(50):
            attempts.append(asyncio.create_task(attempt(number)))
            await asyncio.sleep(0.07)
        await asyncio.gather(*attempts)
        assert served == list(range(50))

    play(place, story)


def test_who_waits_long_for_a_slow_rate_is_told_of_no_trouble() -> None:
    place = Place(bucket=TokenBucket(rate=0.1, burst=1))

    async def story() -> None:
        closed = await place.throttle.enter("uid")
        assert closed is not None
        assert (round(closed.seconds), closed.why) == (10, "")

    play(place, story)
