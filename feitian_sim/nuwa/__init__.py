"""Nuwa 女娲, who mended the sky: coordination. A few servers hold one small tree that survives the loss of any minority.

- ``paths``, ``tree``, ``sessions``, ``commands``, ``state``: the replicated state, a pure machine fed by the log;
- ``watches``, ``expiry``: who is told of what, and whose session is over;
- ``replica``, ``server``: a server's copy of the state, and what it answers;
- ``client_session``, ``client``, ``signs_of_life``: the client library, and pings that take no events;
- ``election``, ``lock``, ``fenced``, ``discovery``, ``publish``: what is built from files and watches.

Writes are linearizable, by the log; fresh reads too, by the leader's lease; other reads are sequential: a client never
goes back in time, whichever server it asks.
"""
