"""Faults: what goes wrong, when, and where.

A fault of a scenario is a *trigger* (once, again and again, a rate or a distribution of each target, a trace), a
*target* (roles, racks, machines, disks, switches, links) and an *action* on the hardware. :mod:`.targets` turns a
target into names, at load time to refuse what matches nothing and in the run to strike; :mod:`.timing` turns a
trigger into strikes, with draws keyed by fault, target and number, so that two policies meet the same failures;
:mod:`.overlap` counts who holds a thing down, so that a machine that is down twice comes up when the last fault
ends; one file per family of actions; :mod:`.traces` reads published failure logs and accounts for every row.

Faults of single messages (:mod:`.messages`) number all messages from one machine to another. What chance does to one
is a deviation (``faults.deviation``), and a ``network-message`` names it: :mod:`.recording` turns a random fault into
a list of these, which gives the same run again and of which a shrinker may leave out what does not matter.

Every strike is a fact (``faults.started``, ``faults.ended``), also when it hits what is already broken
(``faults.absorbed``).
"""
