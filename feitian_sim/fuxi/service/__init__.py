"""Services: user-defined roles that are kept running, and partitions of a key space that their workers serve (F5).

A service is described (:mod:`.description`) and run by a ServiceMaster (:mod:`.service_master`, pure;
:mod:`.service_server` drives it). Each *role* is kept at its number of workers on granted resources. The key space is
cut into *partitions*; each is loaded by one worker of one role, which answers its requests (:mod:`.serving`). Who has
which is the *table* (:mod:`.table`), a file of Nuwa, changed only under the version that was read; clients read it
there, keep it, and look again when they asked the wrong worker.

At most one owner. A worker serves under a *lease* that it renews with the ServiceMaster: it counts from the moment at
which it asked, by its own monotonic clock, and when the lease has run out it drops what it has. The ServiceMaster counts
from the moment at which it answered, and a margin more for clocks that drift, before it gives a silent worker's
partitions to others. It answers only while it holds the service's lock in Nuwa, so a ServiceMaster that was replaced
renews nothing, and its successor waits once for a lease and the margin where it does not know. Sooner is certain only
what the machine's Tubo says (the process is gone) or the worker itself (it has let go).

Fencing. Every time that a partition is given to somebody it gets a *token* larger than all before, kept in the table
before anybody hears of it. Before it serves, a worker shows the token to the storage (:mod:`.store`), which from then on
takes nothing older for these keys: a write that an old owner had under way when it was stopped does no harm. The storage
is a process like others (role ``fuxi.store``): it may be killed, and knows again from its disk what it had promised.

Moves are told as states, not as steps. The ServiceMaster tells each worker all that it is to hold, numbered; the worker
lets go of what is not named and loads what is new, and says what it holds. A message that is lost, or a ServiceMaster
that dies in between, leaves nothing half done: the table says who is the owner, and whoever comes next says it again.
"""
