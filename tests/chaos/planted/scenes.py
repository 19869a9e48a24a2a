"""The faults that reveal each planted bug, and the sort of finding by which it shows."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.beneficiary import ContactChanged
from contracts.values import person_id
from deploy.local import kafka
from services.runtime import outbox
from services.runtime.clock import BusinessClock
from services.runtime.database import connect
from services.runtime.routes import Cause, Decided
from tests.chaos.checker import Findings
from tests.chaos.claims import Send
from tests.chaos.nemesis import forget_offsets, groups_of
from tests.chaos.planted.stage import Stage, stage_of
from tests.chaos.run import BUSINESS_TIME

PAUSE_S: Final = 1.5
TURNS, CHANGES = 4, 15
ALL_IN_INBOX: Final = """
select not exists (select id from unnest($1::text[]) as sent (id)
                   except select id from beneficiary.inbox)
"""
ALL_SWEPT: Final = "select not exists (select from beneficiary.outbox)"
ONE_IN_INBOX: Final = "select exists (select from beneficiary.inbox where id = any($1::text[]))"


async def lost_answers(stage: Stage) -> None:
    """Four times a COMMIT takes effect and its sender does not hear of it."""
    for _ in range(4):
        stage.send(100)
        await stage.trap("after")
        stage.send(60)
        await asyncio.sleep(0.5)


async def lost_commits(stage: Stage) -> None:
    """Four times a COMMIT is lost on its way."""
    for _ in range(4):
        stage.send(100)
        await stage.trap("before")
        await asyncio.sleep(0.5)


async def paused_at_commit(stage: Stage) -> None:
    """The worker stands still at a COMMIT that is lost, and more arrives meanwhile."""
    for _ in range(4):
        stage.send(60)
        await stage.trap("before", lambda _: stage.signal(signal.SIGSTOP))
        stage.send(200)
        await asyncio.sleep(PAUSE_S)
        stage.signal(signal.SIGCONT)


async def killed_at_commit(stage: Stage) -> None:
    """The worker dies in the middle of a batch, and another takes its place."""
    stage.send(200)
    await stage.trap("before", lambda _: stage.kill())
    await stage.restart()
    stage.send(50)


async def forgotten_offsets(stage: Stage) -> None:
    """While nobody listens, claims arrive and the broker forgets how far the group had come."""
    first = stage.send(60)
    await stage.sent()
    await stage.until(ALL_IN_INBOX, [send.claim_id for send in first])
    stage.signal(signal.SIGTERM)
    await asyncio.to_thread(stage.workers[0].wait)
    stage.send(60)
    await stage.sent()
    await asyncio.to_thread(forget_offsets, stage.place.stack, groups_of(stage.service))
    await stage.restart()
    stage.send(30)


async def silent_broker(stage: Stage) -> None:
    """What was decided cannot be sent, for the broker is silent; then the worker dies."""
    broker = kafka.node_name(1)
    stage.send(60)
    await stage.sent()
    stage.place.stack.kill(broker, signal.SIGSTOP)
    sends = stage.send(60, "http")
    await stage.until(ONE_IN_INBOX, [send.claim_id for send in sends])
    await asyncio.sleep(0.5)
    stage.kill()
    stage.place.stack.kill(broker, signal.SIGCONT)
    await stage.restart()


async def changing_contacts(stage: Stage) -> None:
    """Contacts change again and again while nobody sweeps; then all who sweep begin at once."""
    sends = stage.send(60)
    await stage.sent()
    await stage.until(ALL_IN_INBOX, [send.claim_id for send in sends])
    database = await connect(stage.settings(), BusinessClock(BUSINESS_TIME), size=1)
    for turn in range(TURNS):
        await stage.until(ALL_SWEPT)
        for nth in range(len(stage.workers)):
            stage.signal(signal.SIGSTOP, nth)
        for nth in range(CHANGES):
            async with database.transaction() as tx:
                facts = [_changed(send, turn * CHANGES + nth) for send in sends]
                await outbox.append(tx, stage.service, facts, inline=False)
        for nth in range(len(stage.workers)):
            stage.signal(signal.SIGCONT, nth)
    await database.pool.close()


def _changed(send: Send, nth: int) -> Decided:
    who = person_id(send.source, send.record_id)
    cause = Cause(f"{send.claim_id} {nth}", send.claim_id, send.claim_id, send.region)
    return Decided(cause, ContactChanged(person_id=who, key_version=1, sealed=f"{nth}"))


@dataclass(frozen=True, slots=True)
class Scene:
    """A bug, whose workers have it, and what happens to them."""

    bug: str
    service: str
    play: Callable[[Stage], Awaitable[None]]
    shows: tuple[str, ...]
    """Sorts of findings that only this mistake explains."""
    workers: int = 1


SCENES: Final = (
    Scene("cursor polling", "beneficiary", lost_answers, ("lost",), 2),
    Scene("publish before commit", "beneficiary", paused_at_commit, ("duplicated", "uncaused")),
    Scene("offset before effect", "beneficiary", killed_at_commit, ("lost",)),
    Scene("no guard", "insights", lost_answers, ("duplicated",)),
    Scene("SKIP LOCKED with three sweepers", "beneficiary", changing_contacts, ("lost",), 3),
    Scene("latest after offset loss", "beneficiary", forgotten_offsets, ("lost",)),
    Scene("mark before publish", "beneficiary", silent_broker, ("lost",)),
    Scene("guard in another transaction", "insights", lost_commits, ("lost",)),
)


def play(directory: Path, scene: Scene, seed: int, *, sound: bool = False) -> Findings:
    """Plays a scene with its bug, or (`sound`) without any."""
    bug = "none" if sound else scene.bug
    with stage_of(directory, bug, scene.service, seed) as stage:
        return asyncio.run(_play(stage, scene))


async def _play(stage: Stage, scene: Scene) -> Findings:
    await stage.start(scene.workers)
    await scene.play(stage)
    return await stage.judge()


def caught(scene: Scene, findings: Findings) -> list[str]:
    """What the checker says of it, if it saw it for what it is."""
    return [one for sort in scene.shows for one in getattr(findings, sort)]
