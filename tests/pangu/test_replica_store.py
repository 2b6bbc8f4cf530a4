"""What is on a server's disks: rows, objects, damage, and the checksum that finds it (P11)."""

from __future__ import annotations

import google_crc32c
import numpy as np
import pytest

from feitian_sim.pangu.content import DATASET, Extent, checksum, dataset_extents, rotten
from feitian_sim.pangu.replica_store import Replica, ReplicaStore


def rows(*chunks: int, disk: int = 0) -> tuple[np.ndarray, ...]:
    count = len(chunks)
    return (
        np.array(chunks, dtype=np.int64),
        np.ones(count, dtype=np.int64),
        np.full(count, 100, dtype=np.int64),
        np.full(count, disk, dtype=np.int64),
    )


def store() -> ReplicaStore:
    made = ReplicaStore()
    made.add_rows(*rows(5, 3, 9))
    made.add_rows(*rows(4, disk=1))
    made.put(7, Replica(2, 1, (Extent("w", 1, 0, 50),), checksum((Extent("w", 1, 0, 50),))))
    return made


def test_p11_the_checksum_is_a_real_crc32c_over_the_extents():
    assert checksum(()) == google_crc32c.value(b"") == 0
    # The check value of CRC-32C (Castagnoli) for "123456789", RFC 3720 appendix B.4's polynomial.
    assert google_crc32c.value(b"123456789") == 0xE3069283
    one, other = Extent("w", 1, 0, 12), Extent("w", 11, 0, 2)
    assert one.encoded() != other.encoded()
    assert checksum((one, other)) != checksum((other, one))


def test_p11_rot_and_bad_sectors_are_found_by_reading_and_in_no_other_way():
    held = store()
    before = held.holdings()
    held.rot(5, 0.5)
    held.make_unreadable(3)
    assert [column.tolist() for column in held.holdings()] == [column.tolist() for column in before]
    assert len(before[0]) == 5
    assert [held.get(chunk).sound for chunk in (3, 4, 5, 7, 9)] == [False, True, False, True, True]


def test_an_empty_replica_cannot_rot():
    assert rotten((), 0.3) == ()


def test_rows_hold_the_content_of_the_rule():
    replica = store().get(9)
    assert replica.extents == dataset_extents(9, 100) == (Extent(DATASET, 9, 0, 100),)
    assert replica.sound
    assert store().get(8) is None


def test_what_is_dropped_frees_its_space_by_disk():
    held = store()
    assert held.drop_many(np.array([3, 4, 7, 8])) == {0: 100, 1: 150}
    assert held.holdings()[0].tolist() == [5, 9]


def test_a_lost_disk_takes_what_was_on_it():
    held = store()
    assert held.lose_disk(1).tolist() == [4, 7]
    assert held.holdings()[0].tolist() == [3, 5, 9]


def test_a_row_that_is_written_to_becomes_its_own():
    held = store()
    assert held.raise_version(5, 2, 1) == 100
    assert held.extend(5, 2, 0, (Extent("w", 2, 0, 11),)) == 111
    assert len(held) == 5
    assert held.untouched(np.array([3, 5, 8]))[0].tolist() == [True, False, False]
    assert held.raise_version(5, 1, 1) is None
    assert held.raise_version(99, 2, 1) is None


def test_damage_must_not_be_signed_anew():
    held = store()
    held.rot(5, 0.0)
    assert held.raise_version(5, 2, 1) is None
    with pytest.raises(AssertionError, match="damaged"):
        held.extend(5, 1, 0, (Extent("w", 2, 0, 11),))
