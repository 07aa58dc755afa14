"""How often something happened to each of a million ids, in some 20 bytes an id."""

from __future__ import annotations

import hashlib
from array import array

_LARGEST = 255


class CompactCounter:
    """Counts by 64-bit fingerprint in two flat arrays (open addressing), where a dict of texts would fill the memory.

    Two of a million ids share a fingerprint with a chance of 3 in 100 million. Counts stop at 255.
    """

    def __init__(self) -> None:
        self._fingerprints = array("Q", bytes(8 * 1024))
        self._counts = bytearray(1024)
        self._used = 0

    def __getitem__(self, text: str) -> int:
        return self._counts[self._slot(_fingerprint(text))]

    def add(self, text: str) -> None:
        """Count one more."""
        fingerprint = _fingerprint(text)
        slot = self._slot(fingerprint)
        if self._counts[slot] == 0:
            self._used += 1
            self._fingerprints[slot] = fingerprint
        self._counts[slot] = min(self._counts[slot] + 1, _LARGEST)
        if self._used * 3 > len(self._counts) * 2:
            self._grow()

    def _slot(self, fingerprint: int) -> int:
        mask = len(self._counts) - 1
        slot = fingerprint & mask
        while self._counts[slot] and self._fingerprints[slot] != fingerprint:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        fingerprints, counts = self._fingerprints, self._counts
        size = 2 * len(counts)
        self._fingerprints, self._counts = array("Q", bytes(8 * size)), bytearray(size)
        for fingerprint, count in zip(fingerprints, counts, strict=True):
            if count:
                slot = self._slot(fingerprint)
                self._fingerprints[slot], self._counts[slot] = fingerprint, count


def _fingerprint(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
