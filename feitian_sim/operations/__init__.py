"""Operations: what an operator does to the cluster on purpose, at a time that the scenario gives.

Faults happen to a platform; operations are asked of it, and it may take its time: a machine that is to be
decommissioned is switched off when the file system says that nothing on it is needed any more. A machine whose first
operation is ``machine-add`` is switched off and empty from the beginning until then.
"""
