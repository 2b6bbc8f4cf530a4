"""Zhongkui 钟馗, the one who catches demons: who may do what, and how that is proved.

Users and modules are subjects with Ed25519 keys (Z1). A capability says which resources a subject may use, how and
until when (Z2); it is signed over all its fields, by Zhongkui's own key or, narrowed, by the subject that holds the one
above it (Z3). Internal modules hold and show capabilities like everybody (Z4). Everything here is pure: no clock, no
I/O; time and what is revoked are arguments. The server that issues and the judge at every port are in ``authority``.

- ``keys``, ``challenge``: key pairs, and the proof that one holds a key;
- ``resources``: names, patterns, and when one pattern lies within another;
- ``encoding``, ``capability``: the fields, their one encoding, the signature;
- ``keyring``: which keys sign and verify when, so that keys can be changed; ``revocation``: what counts no more;
- ``verify``: all of it together, with the reason for each refusal.
"""

from feitian_sim.zhongkui.capability import PERMISSIONS, Capability, Grant, delegated, signed
from feitian_sim.zhongkui.challenge import answer, answers
from feitian_sim.zhongkui.keyring import Keyring, SigningKey
from feitian_sim.zhongkui.keys import KeyPair, Signatures, key_pair
from feitian_sim.zhongkui.resources import BadPattern, Pattern
from feitian_sim.zhongkui.revocation import Revocations
from feitian_sim.zhongkui.verify import Reason, verify

__all__ = [
    "PERMISSIONS",
    "BadPattern",
    "Capability",
    "Grant",
    "KeyPair",
    "Keyring",
    "Pattern",
    "Reason",
    "Revocations",
    "Signatures",
    "SigningKey",
    "answer",
    "answers",
    "delegated",
    "key_pair",
    "signed",
    "verify",
]
