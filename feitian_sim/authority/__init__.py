"""Authority: Zhongkui as a part of the platform. ``judge`` checks every call at every port; ``identities`` issues."""

from feitian_sim.authority.config import ZhongkuiConfig
from feitian_sim.authority.identities import Credential, IssuingOffice
from feitian_sim.authority.judge import Judge

__all__ = ["Credential", "IssuingOffice", "Judge", "ZhongkuiConfig"]
