"""Short codes by which people and the operator speak of one answer or one error."""

from __future__ import annotations

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters that nobody mixes up when reading a code aloud."""


def new_job_code(network: str) -> str:
    """Return a code for a job, such as ``art-7K3F``; whether it is new, the ledger knows."""
    return f"{network}-{new_code(4)}"


def new_code(length: int) -> str:
    """Return a random code, such as ``7K3F``."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
