"""Z1 to Z3: keys, capabilities that only narrow, and every way in which one is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feitian_sim.kernel import DAY, SECOND
from feitian_sim.zhongkui import (
    BadPattern,
    Capability,
    Grant,
    KeyPair,
    Keyring,
    Pattern,
    Reason,
    Revocations,
    Signatures,
    SigningKey,
    answer,
    answers,
    delegated,
    signed,
    verify,
)
from feitian_sim.zhongkui.encoding import NotCanonical, decode, encode
from feitian_sim.zhongkui.verify import LONGEST_CHAIN, permits

SKEW_NS = 5 * SECOND
ROOT, ANN, BOB, EVE = (KeyPair(bytes([number]) * 32) for number in range(1, 5))
RING = Keyring((SigningKey(ROOT.key_id, ROOT.public, 0),))
FULL = Grant.of(("pangu://cell/**",), ("read", "write", "delegate"), 0, 7 * DAY)


def issued(grant: Grant = FULL, *, key: KeyPair = ROOT, subject: str = "ann", holder: KeyPair = ANN) -> Capability:
    unsigned = Capability("cell", "c1", subject, holder.public, grant, 0, key.key_id, subject, None, b"")
    return signed(unsigned, key)


def judged(
    capability: Capability,
    *,
    now_ns: int = DAY,
    ring: Keyring = RING,
    revocations: Revocations | None = None,
) -> Reason | None:
    """The verdict of a verifier that has seen nothing before."""
    return verify(capability, Signatures(), ring, revocations or Revocations(), "cell", now_ns, SKEW_NS)


# Z1


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ],
)
def test_z1_keys_sign_as_rfc_8032_says(seed: str, public: str, message: str, signature: str) -> None:
    key = KeyPair(bytes.fromhex(seed))
    assert key.public.hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature


def test_z1_a_challenge_is_answered_by_who_holds_the_key_for_this_subject_and_connection_only() -> None:
    signatures = Signatures()
    proof = answer(signatures, ANN, "ann", b"nonce")
    assert answers(signatures, ANN.public, "ann", b"nonce", proof)
    assert not answers(signatures, ANN.public, "ann", b"another", proof)
    assert not answers(signatures, ANN.public, "anna", b"nonce", proof)
    assert not answers(signatures, BOB.public, "ann", b"nonce", proof)


def test_a_key_is_made_from_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        KeyPair(b"short")


# The encoding

VALUES = st.recursive(
    st.none() | st.integers(0, 1 << 70) | st.text(max_size=8) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_the_encoding_is_read_as_what_was_written_and_differs_for_what_differs(one: object, other: object) -> None:
    assert decode(encode(one)) == one
    assert (encode(one) == encode(other)) == (one == other)


@given(st.binary(max_size=40))
def test_bytes_that_are_read_are_the_only_ones_of_their_value(data: bytes) -> None:
    for candidate in (data, b"zk1" + data):
        try:
            value = decode(candidate)
        except NotCanonical:
            continue
        assert encode(value) == candidate


# Patterns

NAMES = st.sampled_from(["a", "b", "*"])
PATTERNS = st.tuples(st.lists(NAMES, min_size=1, max_size=3), st.booleans()).map(
    lambda parts: "s://" + "/".join([*parts[0], *(["**"] if parts[1] else [])])
)
RESOURCES = ["s://" + "/".join(names) for length in (1, 2, 3, 4, 5) for names in product(("a", "b", "x"), repeat=length)]


@given(PATTERNS, PATTERNS)
@settings(max_examples=200, deadline=None)
def test_a_pattern_lies_within_another_exactly_when_all_that_it_covers_is_covered(one: str, other: str) -> None:
    inner, outer = Pattern.parse(one), Pattern.parse(other)
    covered = [resource for resource in RESOURCES if inner.covers(resource)]
    assert inner.is_within(outer) == all(outer.covers(resource) for resource in covered)


@pytest.mark.parametrize(
    "text", ["", "a", "s://", "s:///a", "s://a//b", "s://a/../b", "s://./a", "s://**/a", "s://a/**/b"]
)
def test_a_bad_pattern_is_refused(text: str) -> None:
    with pytest.raises(BadPattern):
        Pattern.parse(text)


# Z2


def test_z2_a_capability_permits_what_it_says_until_it_ends() -> None:
    capability = issued()
    assert judged(capability) is None
    assert permits(capability.grant, "read", "pangu://cell/a/b") is None
    assert permits(capability.grant, "delete", "pangu://cell/a/b") is Reason.NOT_PERMITTED
    assert permits(capability.grant, "read", "nuwa://cell/a") is Reason.OUTSIDE
    assert judged(capability, now_ns=7 * DAY + SKEW_NS) is None
    assert judged(capability, now_ns=7 * DAY + SKEW_NS + 1) is Reason.EXPIRED


GRANTS = st.builds(
    Grant.of,
    st.lists(st.sampled_from(["s://a", "s://a/b", "s://a/**", "s://*/b", "s://a/*", "s://b/**"]), min_size=1, max_size=3),
    st.lists(st.sampled_from(["read", "write", "delegate"]), min_size=1, max_size=3),
    st.sampled_from([0, DAY // 2]),
    st.sampled_from([2 * DAY, 7 * DAY]),
)


@given(st.lists(GRANTS, min_size=1, max_size=3), st.sampled_from(["s://a", "s://a/b", "s://b/b", "s://a/b/c"]))
@settings(max_examples=150, deadline=None)
def test_z2_a_chain_that_is_good_permits_no_more_than_each_of_its_links(grants: list[Grant], resource: str) -> None:
    keys = (ANN, BOB, EVE, ANN)
    capability = issued(grants[0])
    for number, grant in enumerate(grants[1:]):
        holder, heir = keys[number], keys[number + 1]
        capability = delegated(capability, holder, f"d{number}", f"heir{number}", heir.public, grant)
    if judged(capability) is not None:
        return
    for permission in ("read", "write"):
        if permits(capability.grant, permission, resource) is None:
            assert all(permits(link.grant, permission, resource) is None for link in capability.chain)


# Z3: each reason


def test_z3_a_forged_one_is_refused() -> None:
    assert judged(issued(key=EVE)) is Reason.KEY_UNKNOWN
    forged = replace(issued(), signature=EVE.sign(issued().body))
    assert judged(forged) is Reason.FORGED


@pytest.mark.parametrize(
    "change",
    [
        {"cell": "other"},
        {"serial": "c2"},
        {"subject": "eve"},
        {"subject_key": EVE.public},
        {"grant": Grant.of(("nuwa://cell/**",), FULL.permissions, 0, 7 * DAY)},
        {"grant": Grant.of(FULL.resources, ("admin", "delegate"), 0, 7 * DAY)},
        {"grant": Grant.of(FULL.resources, FULL.permissions, 0, 70 * DAY)},
        {"grant": Grant.of(FULL.resources, FULL.permissions, 1, 7 * DAY)},
        {"epoch": 1},
        {"creator": "eve"},
    ],
)
def test_z3_an_altered_field_is_noticed_whichever_it_is(change: dict[str, object]) -> None:
    assert judged(replace(issued(), **change)) is Reason.FORGED  # type: ignore[arg-type]


def test_z3_one_that_has_not_begun_is_refused() -> None:
    later = issued(Grant.of(FULL.resources, FULL.permissions, 2 * DAY, 7 * DAY))
    assert judged(later) is Reason.NOT_YET
    assert judged(later, now_ns=2 * DAY - SKEW_NS) is None


@pytest.mark.parametrize(
    "wider",
    [
        Grant.of(("pangu://cell/**", "nuwa://cell/x"), ("read",), 0, 7 * DAY),
        Grant.of(("pangu://*/**",), ("read",), 0, 7 * DAY),
        Grant.of(("pangu://cell/**",), ("read", "delete"), 0, 7 * DAY),
        Grant.of(("pangu://cell/**",), ("read",), 0, 8 * DAY),
    ],
)
def test_z3_one_that_was_widened_by_delegation_is_refused(wider: Grant) -> None:
    assert judged(delegated(issued(), ANN, "d", "bob", BOB.public, wider)) is Reason.WIDENED


def test_z3_only_who_may_delegate_delegates() -> None:
    narrow = Grant.of(FULL.resources, ("read",), 0, 7 * DAY)
    assert judged(delegated(issued(narrow), ANN, "d", "bob", BOB.public, narrow)) is Reason.WIDENED


def test_z3_a_link_that_another_than_the_holder_signed_is_refused() -> None:
    narrow = Grant.of(("pangu://cell/a/**",), ("read",), 0, DAY * 2)
    assert judged(delegated(issued(), ANN, "d", "bob", BOB.public, narrow)) is None
    assert judged(delegated(issued(), EVE, "d", "bob", BOB.public, narrow)) is Reason.FORGED


def test_z3_a_rotated_out_key_is_good_for_the_overlap_and_no_longer() -> None:
    ring = RING.rotated(BOB.key_id, BOB.public, DAY, 2 * DAY)
    assert judged(issued(), ring=ring, now_ns=2 * DAY) is None
    assert judged(issued(), ring=ring, now_ns=3 * DAY + SKEW_NS + 1) is Reason.KEY_OUT
    assert judged(issued(key=BOB), ring=ring, now_ns=4 * DAY) is None


def test_z3_what_was_revoked_is_refused_with_all_that_was_narrowed_from_it() -> None:
    narrow = Grant.of(("pangu://cell/a/**",), ("read",), 0, DAY * 2)
    child = delegated(issued(), ANN, "d", "bob", BOB.public, narrow)
    by_epoch = Revocations().raised("ann")
    by_serial = Revocations().without("c1")
    of_child = Revocations().without("d")
    everybody = Revocations().raised("*")
    assert judged(child) is None
    for revocations in (by_epoch, by_serial, everybody):
        assert judged(issued(), revocations=revocations) is Reason.REVOKED
        assert judged(child, revocations=revocations) is Reason.REVOKED
    assert judged(issued(), revocations=of_child) is None
    assert judged(child, revocations=of_child) is Reason.REVOKED
    assert judged(issued(subject="bob"), revocations=by_epoch) is None


def test_z3_one_of_another_cell_is_refused() -> None:
    other = signed(replace(issued(), cell="other"), ROOT)
    assert judged(other) is Reason.OTHER_CELL


def test_z3_a_chain_that_is_too_long_is_refused() -> None:
    capability = issued()
    for number in range(LONGEST_CHAIN - 1):
        capability = delegated(capability, ANN, f"d{number}", "ann", ANN.public, FULL)
    assert judged(capability) is None
    assert judged(delegated(capability, ANN, "one more", "ann", ANN.public, FULL)) is Reason.TOO_LONG


@pytest.mark.parametrize(
    "grant",
    [
        Grant(("pangu://cell/**/x",), ("read",), 0, 7 * DAY),
        Grant(("pangu://cell/**",), ("everything",), 0, 7 * DAY),
        Grant(("pangu://cell/b", "pangu://cell/a"), ("read",), 0, 7 * DAY),
    ],
)
def test_z3_one_that_is_no_capability_is_refused(grant: Grant) -> None:
    assert judged(issued(grant)) is Reason.MALFORMED


@given(st.binary(min_size=64, max_size=64))
def test_z3_nobody_guesses_a_signature(guess: bytes) -> None:
    assert judged(replace(issued(), signature=guess)) is Reason.FORGED
