"""Fuxi 伏羲, who ordered the world: resources, jobs and services of the whole cell.

Masters in levels (F11). One FuxiMaster, elected through Nuwa, with others on hot stand-by, owns the machines'
resources. On every machine a Tubo 土伯 starts, watches and kills processes and is the only one who knows what really
runs there. An *application* is a JobMaster or a ServiceMaster: the FuxiMaster has it started by a Tubo, it registers,
asks for resources and is granted them; what it does with them is its own affair. Below a JobMaster there are
TaskMasters, below these workers.

Resources are granted incrementally. An application names a *unit* once (a resource vector, a priority) and says how many
of them it wants and where it would like them (machine, rack, cluster); later messages carry only changes. What is freed
on a machine is offered at once to who waits: at the machine, at its rack, at the cluster. So nobody ever solves the whole
problem again, and what a decision costs does not grow with the cluster.

Whose word counts. The FuxiMaster's books are soft: a new one rebuilds them from what Tubos run and applications want,
while workers run on. Hard state, kept in Nuwa before anybody is answered, is the jobs' and services' descriptions and
the list of disabled machines. A machine's resources are free when its Tubo says that the processes are gone, not when
somebody was told to stop them; and a Tubo starts nothing beyond what it was allowed. What is told in deltas is
numbered; who finds a gap asks for everything again.

What a worker's machine must have on its disk first is a *package*: machines hand it to each other, piece by piece
(:mod:`.packages`), so that a job of thousands of machines starts as fast as one of ten.

A job (F6) is a graph of tasks; a task has instances, which run one after the other on reused workers. An instance
counts as done when its JobMaster's snapshot (F10), a file of Nuwa changed only under the version that was read, says
so; a worker keeps what it has finished until then. So whatever master dies, what was done stays done, and what runs
goes on.
"""
