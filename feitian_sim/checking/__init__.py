"""Checking: what must hold, judged from what was seen.

The black-box oracle knows only what clients know: what they asked, when, and what came back. Their operations are
collected in a :mod:`history <feitian_sim.checking.history>`, small sequential :mod:`models
<feitian_sim.checking.models>` say what a service may answer, and the :mod:`checker
<feitian_sim.checking.linearizability>` looks for an order of the operations that explains all answers. There is
none: then a :mod:`picture <feitian_sim.checking.picture>` shows how far one gets. Nothing here imports the
platform's code: a rule that is read from the code it judges finds no mistake in it.
"""
