"""What is measured of services and their partitions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from feitian_sim.kernel.metric import Measured, Metric, Tables

_LOADED, _UNLOADED, _MOVED = "fuxi.partition_loaded", "fuxi.partition_unloaded", "fuxi.partition_moved"


def _count(kind: str, why: str = "") -> Callable[[Tables], Measured]:
    def measured(tables: Tables) -> Measured:
        if not tables.count("fuxi.service_started"):
            return None
        if not why:
            return float(tables.count(kind))
        columns = tables.columns(kind)
        return float(np.sum(columns["why"].astype(str) == why)) if columns else 0.0

    return measured


def _failed(tables: Tables) -> Measured:
    submitted, ended = tables.columns("fuxi.app_submitted"), tables.columns("fuxi.app_ended")
    services = submitted["app"][submitted["app_kind"].astype(str) == "service"].astype(str) if submitted else ()
    if not len(services):
        return None
    return float(np.sum(np.isin(ended["app"].astype(str), services) & ~ended["ok"].astype(bool))) if ended else 0.0


def _pauses(tables: Tables) -> Measured:
    """For how long keys were served by nobody, each time that they were taken up again."""
    loaded, unloaded = tables.columns(_LOADED), tables.columns(_UNLOADED)
    if not loaded or not unloaded:
        return None
    ranges = dict(
        zip(
            zip(loaded["app"].tolist(), loaded["partition"].tolist(), strict=True),
            zip(loaded["low"].tolist(), loaded["high"].tolist(), strict=True),
            strict=True,
        )
    )
    ended = [
        (time_s, app, *ranges[app, partition])
        for time_s, app, partition in zip(
            unloaded["time_s"].tolist(), unloaded["app"].tolist(), unloaded["partition"].tolist(), strict=True
        )
    ]
    ended.sort()
    pauses = []
    rows = zip(*(loaded[name].tolist() for name in ("time_s", "app", "low", "high")), strict=True)
    for time_s, app, low, high in rows:
        before = [one for one in ended if one[0] <= time_s and one[1] == app and one[2] < high and low < one[3]]
        if before and time_s >= tables.warmup_s:
            pauses.append(time_s - before[-1][0])
    return np.array(pauses, dtype=np.float64)


def _owners(tables: Tables) -> Measured:
    """The most workers that had one key loaded at any instant, as they themselves say."""
    loaded, unloaded = tables.columns(_LOADED), tables.columns(_UNLOADED)
    if not loaded:
        return None
    events: list[tuple[float, int, tuple[str, int, int], tuple[int, int]]] = []
    names = ("time_s", "app", "partition", "token", "low", "high")
    for time_s, app, partition, token, low, high in zip(*(loaded[name].tolist() for name in names), strict=True):
        events.append((time_s, 1, (app, partition, token), (low, high)))
    if unloaded:
        for time_s, app, partition, token in zip(*(unloaded[name].tolist() for name in names[:4]), strict=True):
            events.append((time_s, 0, (app, partition, token), (0, 0)))
    # Of one instant, what ends first: a half begins when its whole has ended.
    events.sort(key=lambda one: one[:2])
    there: dict[tuple[str, int, int], tuple[int, int]] = {}
    most = 0
    for _, begins, key, span in events:
        if begins:
            others = [
                other for of, other in there.items() if of[0] == key[0] and other[0] < span[1] and span[0] < other[1]
            ]
            most = max(most, 1 + len(others))
            there[key] = span
        else:
            there.pop(key, None)
    return float(most)


SERVICE_METRICS: tuple[Metric, ...] = (
    Metric(
        "fuxi.owners_at_once_count",
        "",
        "Most workers that served one key at any instant (fuxi.partition_loaded, fuxi.partition_unloaded). 1 when no key "
        "ever had two owners.",
        _owners,
    ),
    Metric(
        "fuxi.services_failed_count",
        "",
        "Services that have ended: failed, for the reason in fuxi.app_ended, or stopped by somebody.",
        _failed,
    ),
    Metric("fuxi.partitions_split_count", "", "Partitions that were split.", _count("fuxi.partition_split")),
    Metric(
        "fuxi.partitions_migrated_count",
        "",
        "Partitions that one worker let go of and another was given (fuxi.partition_moved: why is moved).",
        _count(_MOVED, "moved"),
    ),
    Metric(
        "fuxi.leases_expired_count",
        "",
        "Partitions that a worker dropped since its lease had run out (fuxi.partition_unloaded: why is lease).",
        _count(_UNLOADED, "lease"),
    ),
    Metric(
        "fuxi.writes_fenced_count",
        "",
        "What the storage of services refused, since a newer token had been shown (fuxi.write_fenced).",
        _count("fuxi.write_fenced"),
    ),
    Metric(
        "fuxi.partition_pause_s",
        "s",
        "For how long the keys of a partition had been served by nobody, each time that one was loaded for keys that had "
        "been served before; splits included, which take a message (fuxi.partition_loaded, _unloaded).",
        _pauses,
        statistics=True,
    ),
)
