"""Unconfirmed law may be rehearsed; real money never moves by it."""

import os
import subprocess
from functools import partial
from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.benefits import RulepackActivated
from contracts.codec import decode
from contracts.envelope import Envelope
from deploy.demo.platform import Platform
from deploy.local.stack import Stack
from services.benefits.programmes import load_pack, unverified
from services.benefits.programmes.loading import pack_text
from services.benefits.settings import BenefitsSettings
from services.runtime.broker import read_from_start
from tests.benefits.programmes.own_law import LATER, edited, put
from tests.runtime.stage import until

UNCONFIRMED = len(unverified(load_pack("VN-SA")))


@pytest.mark.stack
@pytest.mark.local
@pytest.mark.parametrize("role", ["api", "worker"])
def test_no_process_pays_for_real_by_unconfirmed_law(stack: Stack, role: str) -> None:
    # given a process of the running platform, as it is configured there
    (process,) = [p for p in stack.plan.processes if p.name == f"benefits-{role}"]
    # when it is started where money is real
    environment = {**os.environ, **process.env, "HAMROH_REHEARSAL": "false"}
    found = subprocess.run(
        process.argv, cwd=process.cwd, env=environment, capture_output=True, text=True, check=False
    )
    # then it ends at once, and one line says why and what to do
    assert (found.returncode, found.stdout) == (1, "")
    (line,) = found.stderr.splitlines()
    assert f"VN-SA may not move real money: {UNCONFIRMED} of its rules are unconfirmed" in line
    assert "`hamroh pack check VN-SA --real-money` lists them" in line
    assert "HAMROH_REHEARSAL=true" in line


@pytest.mark.stack
@pytest.mark.local
async def test_a_rehearsal_goes_on_and_says_what_is_unconfirmed(stack: Stack) -> None:
    # given the running platform, which is a rehearsal
    # then its worker says so in its log
    log = stack.folder.log("benefits-worker").read_text(encoding="utf-8")
    assert "real money may not move by it" in log
    # and everybody who reads that the pack is in force reads it, too
    assert await until(partial(announced, stack)) == {UNCONFIRMED}


async def announced(stack: Stack) -> set[int]:
    """How many rules of each announced pack are said to be unconfirmed; the leader announces."""
    reader = Platform(stack.instance, "VN-07").kafka_settings("insights")
    facts = [
        event.data
        async for record in read_from_start(reader, ["benefits.rulepack.v1"])
        if isinstance(event := decode(record.value), Envelope)
    ]
    return {fact.unconfirmed for fact in facts if isinstance(fact, RulepackActivated)}


def test_confirmed_law_pays_for_real() -> None:
    assert BenefitsSettings(programmes=("UZ-MA",)).programmes == ("UZ-MA",)


def test_a_programme_without_a_pack_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="HAMROH_PROGRAMMES: XX-YY is none of VN-SA, UA-IDP"):
        BenefitsSettings(programmes=("VN-SA", "XX-YY"), rehearsal=True)


def test_a_ministrys_own_programme_is_in_force_like_a_packaged_one(tmp_path: Path) -> None:
    # given a confirmed programme, and a copy of one that has unconfirmed rules
    put(tmp_path, "aid.toml", edited("UZ-MA", ('"UZ-MA"', '"UZ-AID"')))
    put(tmp_path, "vn.toml", edited("VN-SA", LATER))
    # then the first may pay for real, the second may be rehearsed alone
    settings = BenefitsSettings(packs=tmp_path, programmes=("UZ-AID",))
    assert settings.programmes == ("UZ-AID",)
    assert BenefitsSettings(packs=tmp_path, rehearsal=True).programmes == ("VN-SA",)
    with pytest.raises(ValidationError, match=f"VN-SA may not move real money: {UNCONFIRMED} of"):
        BenefitsSettings(packs=tmp_path)


def test_nothing_starts_with_a_folder_that_holds_what_is_no_law(tmp_path: Path) -> None:
    put(tmp_path, "vn.toml", pack_text("VN-SA").replace('version = "2025.7.1"', "version = 1.5"))
    with pytest.raises(ValidationError, match=r"vn\.toml: version: float: 1\.5 is a float: write"):
        BenefitsSettings(packs=tmp_path, programmes=("UZ-MA",))
