"""Stories driven by hand: what members say and do, line by line, is what the transcripts keep."""

from __future__ import annotations

import pytest
from stage import Stage
from stories import FOLDER, STORIES, transcript

STORY = pytest.mark.parametrize("story", STORIES, ids=[story.__name__ for story in STORIES])


@STORY
def test_a_story_goes_as_its_transcript_says(story: object) -> None:
    assert callable(story)
    assert transcript(story) == (FOLDER / f"{story.__name__}.txt").read_text()


def test_every_transcript_has_its_story() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {story.__name__ for story in STORIES}


def test_who_is_told_to_stand_keeps_trying_until_it_leads() -> None:
    config = Stage().config.model_copy(update={"self_elect": False})
    stage = Stage(config=config)
    stage.beats(0, 120)
    assert stage.replica(1).next_wake_ns is None
    stage.campaign(1)
    # Its questions are lost, then it is refused by whoever is bound; the leader's beats do not make it forget.
    stage.lose()
    stage.beats(0, 60)
    stage.resign(0)
    stage.settle()
    stage.stand(1)
    stage.lose()
    stage.stand(1)
    stage.settle()
    assert stage.replica(1).is_leader
    assert [stage.replica(number).next_wake_ns for number in (0, 2)] == [None, None]


def test_a_journal_without_its_beginning_belongs_to_a_lost_disk() -> None:
    stage = Stage()
    stage.propose(0, "a")
    stage.settle()
    stage.crash(2)
    del stage.actors[2].records[0]
    stage.restart(2)
    assert not stage.replica(2).is_voter
