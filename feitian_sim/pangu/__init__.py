"""Pangu, who parted heaven and earth: the distributed file system of the platform.

A **master** keeps the tree of files, which chunks a file has, and each chunk's version: a deterministic state machine
(:mod:`.master_state`) fed by the records of a log, which a restart reads back from the disk. Where replicas are is in
no record: **chunk servers** tell when they register, and from time to time. **Clients** ask the master where, and
move bytes to and from chunk servers without it.

*Writing.* A file grows in chunks of 64 MB. The master places a new chunk by a policy (:mod:`.placement`), gives one
replica the lease, and so makes it primary (:mod:`.chunk_requests`). The client gets a turn from the primary, pushes
the bytes through all replicas as one flow, and commits; the primary answers when every replica has it on its disk
(:mod:`.primary`). What fails is not mended: the chunk is left, and the file goes on in another.

*Reading.* The nearest replica that has the version; checked by CRC-32C where it lies and where it arrives
(:mod:`.content`, :mod:`.read_path`). A damaged replica is reported, dropped and replaced.

*Redundancy.* Silence of ``heartbeat.timeout`` makes a server dead (:mod:`.liveness`); its chunks wait in the queue of
repair, the fewest copies first, and are cloned within limits per server and cluster (:mod:`.repair`). A server that
comes back has its stale replicas dropped and its good ones kept (:mod:`.replica_tracker`).

*Growth, shrinking, balance.* Which servers belong to the cell is in the master's log, as its operator says
(:mod:`.roster`, :mod:`.operator`). Replicas leave servers that are drained (:mod:`.drain`), and go from fuller servers
to emptier ones if a rebalancer is chosen (:mod:`.rebalance`): a clone and then a drop, in slots of their own
(:mod:`.migration`, :mod:`.moves`). Between the disks of one server they move without the master (:mod:`.disk_balance`).

*Hot spots.* A server says which chunks many read; where :mod:`.hot_config` allows it the master has temporary copies made
(:mod:`.hot_chunks`, :mod:`.hot_copies`) that clients read beside the replicas and that go when nobody does.

What decides is pure: :class:`.master.Master` takes requests, answers and times, and returns effects
(:mod:`.effects`). What acts is thin: :mod:`.master_server`, :mod:`.chunk_server`, :mod:`.client`, put on machines by
:mod:`.wiring`. Heartbeats that nobody can miss take no events (:mod:`.heartbeat`); repairs of a whole year travel in
bundles (:mod:`.bundles`). :mod:`.truth` sees everything and is seen by nobody.

Sources: Ghemawat, Gobioff, Leung, "The Google File System", SOSP 2003; Alibaba Cloud help document 35108.
"""
