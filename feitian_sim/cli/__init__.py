"""The `feitian` command: arguments in, words and pictures out; no logic.

stdout is the answer: a table of at most 25 lines, or one JSON document. stderr is progress and messages. Every
command imports what it needs when it runs, so that ``--help`` and completion stay quick. Exit codes are those of
:class:`feitian_sim.cli.exits.ExitCode`; a traceback is shown with ``--debug`` only.
"""
