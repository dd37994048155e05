"""The bell: nobody who listens misses a ring, and nobody else is woken."""

from __future__ import annotations

import asyncio

import pytest

from gateway.bell import Bell, Rings


async def rung(rings: Rings, count: int) -> list[str]:
    async with asyncio.timeout(30):
        return [await anext(rings) for _ in range(count)]


async def silent(rings: Rings) -> bool:
    try:
        async with asyncio.timeout(0.02):
            await anext(rings)
    except TimeoutError:
        return True
    return False


async def test_a_listener_hears_its_topics_and_no_other() -> None:
    bell = Bell()
    async with bell.listen("a", "b") as rings:
        for topic in ("a", "c", "b"):
            bell.ring(topic)
        assert await rung(rings, 2) == ["a", "b"]
        assert await silent(rings)


async def test_what_rings_between_two_looks_is_heard_once() -> None:
    bell = Bell()
    async with bell.listen("a") as rings:
        for _ in range(5):
            bell.ring("a")
        assert await rung(rings, 1) == ["a"]
        assert await silent(rings)
        bell.ring("a")
        assert await rung(rings, 1) == ["a"]


async def test_everybody_who_listens_hears_it() -> None:
    bell = Bell()
    async with bell.listen("a") as first, bell.listen("a") as second:
        bell.ring("a")
        assert await rung(first, 1) == await rung(second, 1) == ["a"]


async def test_a_sleeper_is_woken() -> None:
    bell = Bell()
    async with bell.listen("a") as rings:
        waiting = asyncio.create_task(rung(rings, 1))
        await asyncio.sleep(0)
        bell.ring("a")
        assert await waiting == ["a"]


async def test_a_wait_that_was_given_up_leaves_the_listener_alive() -> None:
    bell = Bell()
    async with bell.listen("a") as rings:
        assert await silent(rings)
        bell.ring("a")
        assert await rung(rings, 1) == ["a"]


async def test_waiting_ends_with_the_ring_or_with_the_time() -> None:
    bell = Bell()
    async with bell.listen("a") as rings:
        await rings.wait(0.01)
        bell.ring("a")
        async with asyncio.timeout(30):
            await rings.wait(60)


async def test_who_has_left_is_forgotten() -> None:
    bell = Bell()
    with pytest.raises(RuntimeError):
        async with bell.listen("a"):
            raise RuntimeError
    assert bell._listeners == {}
    bell.ring("a")


async def test_a_ring_before_anybody_listens_is_not_kept() -> None:
    bell = Bell()
    bell.ring("a")
    async with bell.listen("a") as rings:
        assert await silent(rings)
