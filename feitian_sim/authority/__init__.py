"""Authority: Zhongkui as a part of the platform.

``judge`` checks every call at every port; ``identities`` issues what processes hold at the beginning; ``server`` is the
service that renews, changes keys and revokes, ``news`` how machines hear of it, ``renewal`` how processes keep what they
hold. ``wiring`` puts them on machines.
"""

from feitian_sim.authority.config import ZhongkuiConfig
from feitian_sim.authority.identities import Credential, IssuingOffice
from feitian_sim.authority.judge import Judge

__all__ = ["Credential", "IssuingOffice", "Judge", "ZhongkuiConfig"]
