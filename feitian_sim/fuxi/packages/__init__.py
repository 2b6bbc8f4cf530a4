"""How the binaries that workers need get onto their machines, and become a directory there.

A machine needs a package when its Tubo starts the first worker of it, and a job of a thousand machines starts a worker
on each of them within seconds: all want the same file, of which Pangu has three copies. So machines hand pieces of it to
each other, in the way of Dragonfly, which does that for Alibaba's containers (a scheduler for each file says who fetches
which piece from whom), with the rarest piece first, as in BitTorrent (Cohen, 2003). How long that takes hardly depends on
how many want it (``scenarios/validation/dragonfly.yaml``).

- :mod:`.tracker`: who has which piece of one package, and who fetches which from whom. Pure.
- :mod:`.swarm`: a Tubo as tracker for others, and as the source of what it has.
- :mod:`.download`: one package on its way to one machine.
- :mod:`.shelf`: what a machine's disks have of each.
- :mod:`.cache`: the packages of one machine, and who waits for those that are not here.
"""
