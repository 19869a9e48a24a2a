"""The state file: for its owner's eyes only, replaced whole, refused when it is not ours."""

import os
import stat
from pathlib import Path

import pytest

from deploy.local import state
from deploy.local.faults import LocalStackError
from deploy.local.stack import Stack
from deploy.local.state import Folder, Options


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An instance that chose its ports and passwords and never started."""
    folder = Folder(tmp_path / "instance").make()
    folder.save_state(Stack(folder.path)._chosen(Options(), {}))
    return folder


def test_secrets_are_readable_by_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = Folder(tmp_path / "instance").make()
        folder.save_state(Stack(folder.path)._chosen(Options(), {}))
    finally:
        os.umask(before)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()}
    assert modes[state.STATE_FILE] == 0o600
    assert modes["logs"] == 0o700


def test_what_was_chosen_is_read_back_as_it_was(folder: Folder) -> None:
    chosen = folder.load_state()

    assert chosen is not None
    folder.save_state(chosen)
    assert folder.load_state() == chosen


def test_no_secret_shows_when_a_state_is_printed(folder: Folder) -> None:
    chosen = folder.load_state()
    assert chosen is not None
    secrets = chosen.secrets

    printed = f"{chosen!r} {secrets!r} {chosen}"

    assert secrets.kafka_admin not in printed
    assert secrets.pseudonym_key not in printed
    assert secrets.kafka_users["beneficiary"] not in printed


def test_a_second_up_keeps_every_password_and_adds_those_of_new_regions(folder: Folder) -> None:
    before = folder.load_state()
    assert before is not None

    after = Stack(folder.path)._chosen(Options(regions=("vn-07", "ua-26")), {})

    users = after.secrets.kafka_users
    assert users.items() > before.secrets.kafka_users.items()
    assert set(users) - set(before.secrets.kafka_users) == {"region.ua-26"}
    assert after.secrets.database_roles == before.secrets.database_roles
    assert after.cluster_id == before.cluster_id


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1, "ports": 7}'])
def test_a_file_that_is_no_state_is_refused_in_one_sentence(folder: Folder, text: str) -> None:
    (folder.path / state.STATE_FILE).write_text(text)

    with pytest.raises(LocalStackError, match=r"not a state of this version; `reset` removes it"):
        folder.load_state()


def test_a_write_that_fails_leaves_the_old_document_and_no_litter(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = folder.load_state()
    assert before is not None

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.save_state(before.model_copy(update={"cluster_id": "other"}))

    assert folder.load_state() == before
    assert {path.name for path in folder.path.iterdir()} == {state.STATE_FILE, "logs"}


def test_the_number_of_nodes_cannot_change_under_existing_data(folder: Folder) -> None:
    with pytest.raises(LocalStackError, match="1 Kafka node"):
        Stack(folder.path)._chosen(Options(nodes=3), {})
