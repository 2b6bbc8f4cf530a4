"""Workloads: what is asked of the platform.

A load draws what to do and when, keyed by its name and the number of the client or arrival, and asks a client to
do it; the client reports the operation as a fact. :mod:`.arrival` drives open and closed loads,
:mod:`.operations` says what one operation is, :mod:`.popularity` which file it is about; :mod:`.flows` replays a
flow trace over the network alone; :mod:`.requests` drives one machine's cores like a textbook queue.

Each load is a small class with ``setup``, ``start`` and ``check``.
"""
