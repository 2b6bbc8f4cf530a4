"""Watches: each is told of once per registration and in order; the change of server in between loses and doubles none."""

from __future__ import annotations

import pytest
from nuwa_bench import Bench

from feitian_sim.nuwa.commands import Create, Delete, Put
from feitian_sim.nuwa.messages import Fired
from feitian_sim.nuwa.publish import Subscription
from feitian_sim.nuwa.tree import Change, Tree
from feitian_sim.nuwa.watches import Heard, Watch, WatchTable, What, changes_below, has_changed


def _fired(table: WatchTable, *changes: tuple[str, str]) -> list[int]:
    """The numbers of the watches that the changes (path, kind) fire, in order."""
    return [watch.number for path, kind in changes for watch in table.fired_by(Change(path, kind, 1))]


def test_a_watch_fires_once_per_registration() -> None:
    table = WatchTable()
    watch = Watch("c", 1, "/a", "node")
    table.add(watch)
    table.add(watch)
    assert _fired(table, ("/a", "changed"), ("/a", "changed"), ("/a", "deleted")) == [1]
    assert len(table) == 0
    table.add(watch)
    assert _fired(table, ("/a", "created"), ("/a", "changed")) == [1]


def test_watches_of_one_path_fire_in_the_order_of_registration_whoever_has_them() -> None:
    table = WatchTable()
    for number, client in ((3, "z"), (1, "a"), (2, "m")):
        table.add(Watch(client, number, "/a", "node"))
    assert _fired(table, ("/a", "changed")) == [3, 1, 2]


@pytest.mark.parametrize(
    ("what", "path", "by", "not_by"),
    [
        ("node", "/d/f", [("/d/f", "created"), ("/d/f", "changed"), ("/d/f", "deleted")], [("/d/", "children")]),
        ("node", "/d/", [("/d/", "created"), ("/d/", "deleted")], [("/d/", "children"), ("/d/f", "changed")]),
        ("names", "/d/", [("/d/", "children")], [("/d/f", "changed"), ("/d/", "created"), ("/d/e/", "children")]),
        ("below", "/d/", [("/d/f", "changed"), ("/d/e/f", "deleted")], [("/d/", "deleted"), ("/df", "created")]),
    ],
)
def test_a_watch_is_fired_by_what_it_watches_and_by_nothing_else(
    what: What, path: str, by: list[tuple[str, str]], not_by: list[tuple[str, str]]
) -> None:
    for change in by:
        table = WatchTable()
        table.add(Watch("c", 1, path, what))
        assert _fired(table, change) == [1]
        assert _fired(table, change) == ([1] if what == "below" else [])
    table = WatchTable()
    table.add(Watch("c", 1, path, what))
    assert _fired(table, *not_by, ("/other", "changed")) == []
    assert len(table) == 1


def test_who_is_gone_is_told_nothing_and_nothing_of_it_is_kept() -> None:
    table = WatchTable()
    for client in ("gone", "here"):
        for number, what in enumerate(("node", "names", "below")):
            table.add(Watch(client, number, "/d/", what))
    table.forget("gone")
    table.forget("never was")
    table.remove(Watch("gone", 0, "/d/", "node"))
    assert [watch.client for watch in table.fired_by(Change("/d/", "deleted", 1))] == ["here"]
    assert len(table) == 2


def _tree() -> tuple[Tree, dict[str, int]]:
    """Slots 1 to 6: /d/, /d/z, /d/a, /d/z changed, /d/a gone, /e/; and what is gone."""
    tree = Tree(value_limit=10)
    assert tree.create(Create("/d/"), "me", 1, 1, 0).ok
    assert tree.create(Create("/d/z"), "me", 1, 2, 0).ok
    assert tree.create(Create("/d/a"), "me", 1, 3, 0).ok
    assert tree.put(Put("/d/z", b"1"), 4, 0).ok
    assert tree.delete(Delete("/d/a"), 5).ok
    assert tree.create(Create("/e/"), "me", 1, 6, 0).ok
    return tree, {"/d/a": 5}


@pytest.mark.parametrize(
    ("path", "what", "last"),
    [
        ("/d/z", "node", 4),
        ("/d/a", "node", 5),
        ("/d/", "node", 1),
        ("/d/", "names", 5),
        ("/", "names", 6),
        ("/x", "node", 0),
    ],
)
def test_who_comes_from_another_server_is_told_at_once_of_what_is_newer_than_it_has_seen(
    path: str, what: What, last: int
) -> None:
    tree, deleted = _tree()
    told = [has_changed(tree, deleted, Watch("c", 1, path, what), since) for since in range(8)]
    assert told == [since < last for since in range(8)]


def test_what_has_changed_below_a_directory_is_said_in_the_order_in_which_it_happened() -> None:
    tree, deleted = _tree()
    everything = [(1, "/d/", "changed"), (4, "/d/z", "changed"), (5, "/d/a", "deleted"), (6, "/e/", "changed")]
    assert changes_below(tree, deleted, "/", 0) == everything
    assert changes_below(tree, deleted, "/", 4) == everything[2:]
    assert changes_below(tree, deleted, "/d/", 0) == everything[1:3]


def test_of_a_slot_that_is_said_again_only_what_was_not_heard_is_news() -> None:
    heard = Heard(3)
    assert [heard.is_news("/a", zxid) for zxid in (2, 3, 5)] == [False, False, True]
    assert heard.is_news("/b", 5)
    # Every second word of one server is news: a path may change twice in a slot.
    assert heard.is_news("/b", 5)
    heard.attach_again()
    assert heard.since_zxid < 5
    assert [heard.is_news(path, 5) for path in ("/a", "/b", "/c")] == [False, False, True]
    assert heard.is_news("/a", 6)
    assert not heard.is_news("/c", 5)


# In a cell


def test_a_watch_on_what_does_not_exist_fires_when_it_is_made() -> None:
    bench = Bench()
    writer, reader = bench.client("r0/m2"), bench.client("r3/m2")
    fired: list[Fired] = []
    assert bench.do(reader.read, "get", "/later", watch=fired.append).error == "no-node"
    assert bench.do(writer.create, "/other", b"").ok
    bench.run(1)
    assert not fired
    made = bench.do(writer.create, "/later", b"")
    assert bench.do(writer.put, "/later", b"x").ok
    bench.run(1)
    assert [(notice.path, notice.kind, notice.zxid) for notice in fired] == [("/later", "created", made.zxid)]


def test_a_watch_of_a_directory_tells_that_its_names_have_changed_and_not_that_a_value_has() -> None:
    bench = Bench()
    writer, reader = bench.client("r0/m2"), bench.client("r3/m2")
    assert bench.do(writer.create, "/d/", b"").ok
    assert bench.do(writer.create, "/d/f", b"").ok
    fired: list[str] = []
    assert bench.do(reader.read, "names", "/d/", watch=lambda notice: fired.append(notice.kind)).value == ("f",)
    assert bench.do(writer.put, "/d/f", b"x").ok
    bench.run(1)
    assert fired == []
    assert bench.do(writer.delete, "/d/f").ok
    assert bench.do(writer.create, "/d/g", b"").ok
    bench.run(1)
    assert fired == ["children"]


def test_who_registers_again_with_each_read_sees_the_last_value_and_never_an_older_one_after_a_newer() -> None:
    bench = Bench()
    writer, reader = bench.client("r0/m2"), bench.client("r3/m2")
    assert bench.do(writer.create, "/w", b"0").ok
    seen: list[int] = []

    def look(notice: Fired | None = None) -> None:
        reader.read("get", "/w", lambda answer: seen.append(int(answer.value)), watch=look)

    look()
    for number in range(1, 30):
        writer.put("/w", str(number).encode(), lambda answer: None)
        bench.run(0.001 * (number % 4))
    bench.run(1)
    assert seen == sorted(set(seen))
    assert seen[-1] == 29


@pytest.mark.parametrize("gone", [False, True])
def test_what_changes_while_a_client_changes_its_server_fires_once(gone: bool) -> None:
    bench = Bench()
    writer, reader = bench.client("r0/m2", first=0), bench.client("r3/m2", first=4)
    for path in ("/w", "/still"):
        assert bench.do(writer.create, path, b"").ok
    fired: list[str] = []
    for path in ("/w", "/still", "/never"):
        bench.do(reader.read, "get", path, watch=lambda notice: fired.append(notice.path))
    bench.cell.daemons[4].kill()
    assert bench.do(writer.delete if gone else writer.put, "/w", *(() if gone else (b"x",))).ok
    bench.run(5)
    assert reader.is_connected
    assert reader.server != 4
    assert fired == ["/w"]
    # The others are watched at the new server.
    assert bench.do(writer.put, "/still", b"x").ok
    assert bench.do(writer.create, "/never", b"").ok
    bench.run(1)
    assert fired == ["/w", "/still", "/never"]


def test_a_subscriber_hears_of_all_that_one_slot_changes() -> None:
    bench = Bench()
    writer, reader = bench.client("r0/m2"), bench.client("r3/m2")
    assert bench.do(writer.create, "/n/", b"").ok
    heard: list[str] = []
    Subscription(reader, "/n/", lambda path, zxid: heard.append(path))
    bench.run(1)
    assert bench.do(writer.multi, (Create("/n/b"), Create("/n/a"))).ok
    for name in "dc":
        assert bench.do(writer.create, f"/n/{name}", b"", ephemeral=True).ok
    writer.close()
    bench.run(1)
    assert heard == ["/n/b", "/n/a", "/n/d", "/n/c", "/n/d", "/n/c"]


def test_a_subscriber_who_changes_its_server_hears_of_what_it_missed_in_the_order_in_which_it_happened() -> None:
    bench = Bench()
    writer, reader = bench.client("r0/m2", first=0), bench.client("r3/m2", first=4)
    assert bench.do(writer.create, "/n/", b"").ok
    heard: list[tuple[str, int]] = []
    Subscription(reader, "/n/", lambda path, zxid: heard.append((path, zxid)))
    bench.run(1)
    before = [bench.do(writer.create, f"/n/{name}", b"") for name in "zy"]
    bench.cell.daemons[4].kill()
    after = [bench.do(writer.create, f"/n/{name}", b"") for name in "cba"]
    after.append(bench.do(writer.delete, "/n/z"))
    bench.run(5)
    expected = [(answer.value or "/n/z", answer.zxid) for answer in (*before, *after)]
    assert heard == expected


def test_a_server_left_behind_that_comes_back_does_not_confuse_the_order_of_the_notices() -> None:
    bench = Bench()
    writer, reader = bench.client("r0/m2", first=0), bench.client("r3/m2", first=4)
    assert bench.do(writer.create, "/n/", b"").ok
    heard: list[str] = []
    Subscription(reader, "/n/", lambda path, zxid: heard.append(path))
    bench.run(1)
    made = [bench.do(writer.create, f"/n/{number:02}", b"").value for number in range(5)]
    left = bench.cell.servers[4].machine
    cut = bench.datacenter.network.partition([[left], [one for one in bench.datacenter.machines if one is not left]])
    bench.run(4)
    assert reader.server != 4
    made += [bench.do(writer.create, f"/n/{number:02}", b"").value for number in range(5, 8)]
    bench.datacenter.network.heal(cut)
    for number in range(8, 30):
        made.append(bench.do(writer.create, f"/n/{number:02}", b"").value)
    bench.run(5)
    assert heard == made


def test_a_deletion_that_the_next_server_knows_from_a_snapshot_only_is_told() -> None:
    bench = Bench(session="60s", log={"snapshot_every": 10})
    writer, reader = bench.client("r0/m2", first=0), bench.client("r3/m2", first=4)
    assert bench.do(writer.create, "/w", b"").ok
    fired: list[str] = []
    bench.do(reader.read, "get", "/w", watch=lambda notice: fired.append(notice.path))
    alone = bench.datacenter.machine("r3/m2")
    cut = bench.datacenter.network.partition([[alone], [one for one in bench.datacenter.machines if one is not alone]])
    # These two will be sent a snapshot, the others will read theirs.
    bench.cell.daemons[3].kill()
    bench.cell.daemons[4].kill()
    assert bench.do(writer.delete, "/w").ok
    for number in range(40):
        assert bench.do(writer.create, f"/{number}", b"").ok
    bench.run(1)
    for daemon in bench.cell.daemons:
        daemon.kill()
    for daemon in bench.cell.daemons:
        daemon.start()
    bench.run(1)
    bench.datacenter.network.heal(cut)
    bench.run(40)
    assert reader.is_connected
    assert fired == ["/w"]
