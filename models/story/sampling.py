"""Choosing the next token of many stories at once, each with its own settings and its own random generator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import RepetitionPenaltyLogitsProcessor

CANDIDATES = 64
"""Only so many of the likeliest tokens are ever drawn from (Fan et al. 2018): the tail is where nonsense begins."""

REPETITION_PENALTY = 1.12
REPETITION_WINDOW = 64
"""Tokens of late are this much less likely again (Keskar et al. 2019); names have to survive it."""

LONGEST_REPEAT = 6
"""No run of so many tokens is ever written twice (Paulus et al. 2018), so that a story cannot go in circles."""

_penalise = RepetitionPenaltyLogitsProcessor(penalty=REPETITION_PENALTY)


class Repeats:
    """Which token would repeat a run of tokens that a story has had: transformers' rule, kept up as it grows."""

    def __init__(self, tokens: Iterable[int] = ()) -> None:
        self._tokens: list[int] = []
        self._followed: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for token in tokens:
            self.append(token)

    def append(self, token: int) -> None:
        """Write a token."""
        self._tokens.append(token)
        if len(self._tokens) >= LONGEST_REPEAT:
            *before, last = self._tokens[-LONGEST_REPEAT:]
            self._followed[tuple(before)].append(last)

    def pop(self) -> None:
        """Take the last token back."""
        if len(self._tokens) >= LONGEST_REPEAT:
            self._followed[tuple(self._tokens[-LONGEST_REPEAT:-1])].pop()
        self._tokens.pop()

    def banned(self) -> list[int]:
        """Return the tokens that may not come next."""
        return self._followed.get(tuple(self._tokens[1 - LONGEST_REPEAT :]), [])


def recent_tokens(histories: Sequence[Sequence[int]]) -> Tensor:
    """Return the last tokens of each history [B, REPETITION_WINDOW], short ones filled up with their first."""
    rows = []
    for history in histories:
        last = list(history[-REPETITION_WINDOW:])
        rows.append([last[0]] * (REPETITION_WINDOW - len(last)) + last)
    return torch.from_numpy(np.array(rows, dtype=np.int64))  # twice as fast as torch.tensor


def draw(
    logits: Tensor,
    recent: Tensor,
    nudges: Sequence[Mapping[int, float]],
    temperature: Sequence[float],
    top_p: Sequence[float],
    chances: Sequence[float],
) -> list[int]:
    """Draw the next token of each of B stories.

    Args:
        logits: of the network [B, vocab_size].
        recent: what was written of late [B, REPETITION_WINDOW].
        nudges: of each story what to add to the log-probability of single tokens; minus infinity forbids one.
        temperature: above 0; below 1 plays safe, above 1 takes risks.
        top_p: the share of probability from which to draw (Holtzman et al. 2020, "nucleus sampling"), above 0.
        chances: where between 0 and 1 the lot fell.
    """
    scores = _penalise(recent, logits.log_softmax(dim=-1).cpu())  # [B, vocab_size]
    rows = [row for row, nudge in enumerate(nudges) for _ in nudge]
    if rows:
        tokens = [token for nudge in nudges for token in nudge]
        added = torch.tensor([value for nudge in nudges for value in nudge.values()])
        scores.index_put_((torch.tensor(rows), torch.tensor(tokens)), added, accumulate=True)
    best, ids = scores.topk(CANDIDATES, dim=-1)  # [B, CANDIDATES], best first
    probabilities = (best / torch.tensor(temperature)[:, None]).softmax(dim=-1)
    reached = probabilities.cumsum(dim=-1)
    # Kept are the fewest candidates that reach top_p together; the first always is.
    kept = reached - probabilities < torch.tensor(top_p)[:, None]
    mass = (probabilities * kept).cumsum(dim=-1)  # [B, CANDIDATES], not decreasing
    lot = torch.tensor(chances)[:, None] * mass[:, -1:]  # [B, 1]
    place = (mass <= lot).sum(dim=-1, keepdim=True)  # [B, 1]
    place = torch.minimum(place, kept.sum(dim=-1, keepdim=True) - 1)
    return ids.gather(1, place)[:, 0].tolist()  # type: ignore[no-any-return]
