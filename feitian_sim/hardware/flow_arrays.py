"""The arrays that describe a network's flows and links to the compiled solver: which row means what.

Two-dimensional, a row per attribute, so that a compiled function takes five arrays instead of twenty.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
#: No link and no position: the end of a list, a link that the members do not cross, what binds a flow at its cap.
NONE = -1

#: Rows of ``flow_ints``: where the flow's path begins among the crossings, and its length; the link that binds it;
#: 1 while it is being solved for; the instant at which so many bytes remained, and the one at which none will; its
#: position in the order in which flows began.
FIRST, LENGTH, BOUND, IS_MEMBER, SINCE_NS, FINISH_NS, PLACE = range(7)
#: Rows of ``flow_floats``; rates and caps (which may be inf) in bytes per second. MOST: what the flow could have if it
#: were alone, the least of its cap and its links.
RATE, REMAINING, WEIGHT, CAP, MOST = range(5)
#: Rows of ``crossings``: the link; the next and previous crossing of the same link; whose crossing it is.
LINK, NEXT, PREVIOUS, FLOW = range(4)
#: Rows of ``link_ints``: the first and last crossing of the link, oldest flow first; its number in a solve, or NONE; 1
#: when it cannot bind anybody, since it carries all that its flows could ever have.
HEAD, TAIL, LOCAL, IS_FREE = range(4)
LINK_ROWS = 4


class Net(NamedTuple):
    """A network's flows and links as arrays, one column per flow, crossing (a link on a path) or link.

    ``flow_ints`` int64[7, flows], ``flow_floats`` float64[5, flows], ``crossings`` int64[4, crossings], ``link_ints``
    int64[4, links]: the rows are named above. ``capacity`` float64[links], bytes per second; ``most`` float64[links],
    the sum of what the flows on each link could have at most.
    """

    flow_ints: Ints
    flow_floats: Floats
    crossings: Ints
    link_ints: Ints
    capacity: Floats
    most: Floats
