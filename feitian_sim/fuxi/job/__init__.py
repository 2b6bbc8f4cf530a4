"""Jobs: graphs of tasks, whose instances run one after the other on reused workers (F6 to F10).

A job is described (:mod:`.description`), checked against the cell and turned into a plan of plain integers
(:mod:`.plan`), and run by a JobMaster. That asks the FuxiMaster for workers (units), never for instances: each task is
one unit, wanted as often as it has instances to run, at most ``workers`` times. A worker that is granted is started by
the Tubo, is given an instance, and when it has ended the next one, until there is none left and the worker is given
back. Which instance a worker gets is the TaskMaster's decision: one whose input is on its machine, else in its rack,
else any.

Edges. Behind a barrier the consumer starts when every producer's instance is committed. Along a stream the consumer is
wanted as soon as the producer runs, takes what is produced as it comes, and ends not before its producers. What
producers leave on local disks is pulled by the consumers (:mod:`.shuffle`); if a machine dies with output that
somebody still needs, those instances run again. What is in Pangu stays.

Committed. An instance is done when the snapshot says so (:mod:`.snapshot`): a file in Nuwa, changed only under the
version that was read, so an older life of the JobMaster cannot write it any more. Of an instance that runs twice
(a backup, or after a machine was given up too early) the first result that gets into the snapshot counts and the other
is thrown away. A new life of the JobMaster reads the snapshot, asks the machines that it holds what runs there, and
runs again exactly what neither is in the snapshot nor runs nor waits as a kept result.
"""
