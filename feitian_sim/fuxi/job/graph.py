"""The graph of a job's tasks: cycles, order, and the critical path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx


def graph_of(after: Mapping[str, Sequence[str]]) -> nx.DiGraph[str]:
    """Edges from each task to those that come after it."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(after)
    graph.add_edges_from((other, name) for name, others in after.items() for other in others)
    return graph


def cycle_message(after: Mapping[str, Sequence[str]]) -> str:
    """The edges of a cycle, in words; empty when there is none."""
    graph = graph_of(after)
    if nx.is_directed_acyclic_graph(graph):
        return ""
    edges = nx.find_cycle(graph)
    way = " -> ".join([str(edge[0]) for edge in edges] + [str(edges[-1][1])])
    listed = ", ".join(f"{edge[1]} after {edge[0]}" for edge in edges)
    return f"the tasks wait for each other in a circle: {way} ({listed}); take one of these edges out"


def order_of(after: Mapping[str, Sequence[str]]) -> list[str]:
    """The tasks, each behind all that it is after; otherwise as they were written."""
    place = {name: number for number, name in enumerate(after)}
    return list(nx.lexicographical_topological_sort(graph_of(after), key=lambda name: place[name]))


def critical_path(after: Mapping[str, Sequence[str]], duration_ns: Mapping[str, int]) -> tuple[int, list[str]]:
    """The longest way through the graph, each task taking its time: no run can be shorter."""
    end_ns: dict[str, int] = {}
    previous: dict[str, str | None] = {}
    for name in order_of(after):
        last = max(after[name], key=lambda other: end_ns[other], default=None)
        previous[name] = last
        end_ns[name] = duration_ns[name] + (end_ns[last] if last is not None else 0)
    task = max(end_ns, key=lambda name: end_ns[name])
    length_ns, way = end_ns[task], [task]
    while (before := previous[way[-1]]) is not None:
        way.append(before)
    return length_ns, way[::-1]
