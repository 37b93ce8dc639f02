"""Neither a password nor an address of a list is anywhere but in the order: not in what is shown, nor in a crash."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest

from hosting_support import ADDRESS, PASSWORD, WAVE, MailLab, mail_lab, wave_body
from lab.hosting import Fault, HostingWorld
from osmig.api.names import Kind
from osmig.telemetry.log_lines import StructuredFormatter, render_json

if TYPE_CHECKING:
    from osmig.net.requests import Request

CANARIES = (PASSWORD, ADDRESS, "bob@", "imap.example.net")


def code_of(lab: MailLab) -> str:
    return str(lab.told["upstream"]["id"])


def events(lab: MailLab) -> str:
    return " ".join(f"{reason}: {note}" for reason, note in lab.events.notes)


async def test_neither_a_password_nor_an_address_is_anywhere_but_in_the_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(0)
    shown: list[str] = []
    for faults in ({"POST": [Fault.INVALID]}, {"POST": [Fault.LOST_AFTER]}, {}):
        lab = await mail_lab(HostingWorld(faults=faults))
        sent: list[object] = []
        lab.way.before = sent.append
        lab.offer(Kind.MIGRATION, wave_body())
        await lab.play(seconds=30)
        if lab.world.jobs:
            code = code_of(lab)
            lab.world.finish(code, "running", failed=2, detail=f"copying {ADDRESS}@example.org")
            await lab.play(seconds=60)
            shown.append(repr(lab.told))
            lab.world.finish(code, f"error at {ADDRESS}@example.org", failed=2)
            await lab.play(seconds=60)
            shown.append(repr(lab.told))
            lab.world.finish(code, "completed_with_errors", failed=2)
            await lab.play(seconds=60)
        assert lab.told["phase"] == "Failed"
        assert PASSWORD in str([getattr(request, "body", None) for request in sent])
        shown += [repr(lab.told), events(lab), repr(lab.events.notes), repr(sent)]
        shown += [repr(sample) for family in lab.metrics.collect() for sample in family.samples]
    everything = caplog.text + "".join(shown)
    assert [canary for canary in CANARIES if canary in everything] == []


def show_frames() -> list[str]:
    """Return the reprs of everything of ours in the frames below, as a crash report with local variables has them."""
    shown: list[str] = []
    frame = sys._getframe()  # noqa: SLF001 - there is no other way to them
    while frame.f_back is not None:
        frame = frame.f_back
        shown += [repr(value) for value in frame.f_locals.values() if type(value).__module__.startswith("osmig")]
    return shown


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_step_that_crashes_with_all_it_has_in_hand_tells_nothing_of_the_list(method: str) -> None:
    lab = await mail_lab()

    def crash(request: Request) -> None:
        # the list was read before either
        if request.method == method:
            raise RuntimeError(f"{request!r} {show_frames()}")

    lab.way.before = crash
    lab.offer(Kind.MIGRATION, wave_body())
    with pytest.raises(RuntimeError) as crashed:
        await lab.step(WAVE)
    record = logging.LogRecord("osmig", logging.ERROR, __file__, 1, "step.crashed", None, None)
    record.exc_info = (RuntimeError, crashed.value, crashed.tb)
    told = StructuredFormatter(render_json, verbose=True).format(record) + str(crashed.value)
    assert [canary for canary in CANARIES if canary in told] == []
    assert "MailboxList" in told, "the list was not in hand"


async def test_the_services_name_of_the_file_and_a_code_that_is_none_are_not_shown() -> None:
    lab = await mail_lab(HostingWorld(faults={"POST": [Fault.LOST_AFTER]}))
    lab.offer(Kind.MIGRATION, wave_body())

    def rename(request: Request) -> None:
        if request.method == "POST":
            ((_, job),) = lab.world.jobs.items()
            said = f"{job['original_csv_file_name']} of {ADDRESS}@example.org"
            job |= {"csv_file_name": said, "original_csv_file_name": said, "code": f"{ADDRESS}@example.org"}

    lab.way.after = rename
    await lab.play(seconds=60)
    assert ADDRESS not in repr(lab.told) + events(lab)
    assert lab.told["mailboxes"]["fileName"] == lab.world.sent[0]
    assert (lab.reason, lab.world.count("POST")) == ("RecordGone", 1)
