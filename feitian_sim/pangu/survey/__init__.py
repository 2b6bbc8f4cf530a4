"""Surveys: what a placement is worth, counted from where the replicas lie, without simulating anything.

:mod:`.layout` is the placement; :mod:`.bursts` counts what simultaneous failures would take, :mod:`.domains` what a rack
or a power domain would, :mod:`.balance` how evenly it lies, :mod:`.movement` what growth would move, :mod:`.costs` what
it costs. :mod:`.survey` puts them together. A policy is judged by the layout that it makes and by nothing that it says.
"""
