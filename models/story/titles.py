"""Finding a title for a story that begins with given words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from models.blocked import WORD, blocked
from models.story.data import PLAYS
from models.story.network import NO_STYLE
from models.story.sampling import draw, recent_tokens
from models.story.words import Lexicon

if TYPE_CHECKING:
    from models.story.predictor import StoryPredictor
    from models.story.stream import StoryRequest

TITLES = 6
"""So many are written; the one that makes the opening likeliest is taken."""
LONGEST = 10  # tokens
LONGEST_CHARACTERS = 60
JUDGED_TOKENS = 48  # of the opening
TEMPERATURE, TOP_P = 0.9, 0.9
NO_TITLE = "Untitled"


@torch.inference_mode()
def find_title(predictor: StoryPredictor, request: StoryRequest, opening: str) -> str:
    """Let the network write some titles in the style of the request and return the one that fits best.

    A title fits if the opening is likely to follow it: the network never learned to name a given text, but it did learn
    what text follows a name. Without an opening any title will do.
    """
    # Plays have no titles in the books, so theirs are in no style in particular.
    style = NO_STYLE if request.style in PLAYS else predictor.style_index(request.style)
    titles = _write(predictor, style, request.seed)
    if not titles:
        return NO_TITLE
    words = predictor.encode(opening)[:JUDGED_TOKENS]
    if not words or len(titles) == 1:
        return titles[0]
    heads = [[predictor.config.bos_token_id, *predictor.encode(f"# {title}\n")] for title in titles]
    fits = predictor.log_probability([head + words for head in heads], [len(head) for head in heads], style)
    return titles[int(fits.argmax())]


def _write(predictor: StoryPredictor, style: int, seed: int) -> list[str]:
    """Return titles in the order in which they were drawn, each once."""
    generator = torch.Generator().manual_seed(seed)
    vocabulary, device = predictor.vocabulary, predictor.stepper.device
    start = [vocabulary.boundary, *predictor.encode("#")]
    hidden, cell = predictor.read(start[:-1], style)
    state = (
        hidden[:, None].repeat(1, TITLES, 1),
        cell[:, None].repeat(1, TITLES, 1),
    )  # [layers, TITLES, size]
    rows = [list(start) for _ in range(TITLES)]
    styles = torch.full((TITLES,), style, device=device)
    forbidden = dict.fromkeys(vocabulary.not_yet, -math.inf)
    for _ in range(LONGEST):
        logits, state = predictor.stepper.step(
            torch.tensor([row[-1] for row in rows], device=device), styles, state
        )
        chances = torch.rand(TITLES, generator=generator).tolist()
        settings = [TEMPERATURE] * TITLES, [TOP_P] * TITLES
        for row, token in zip(
            rows,
            draw(logits, recent_tokens(rows), [forbidden] * TITLES, *settings, chances),
            strict=True,
        ):
            row.append(token)
    titles: dict[str, None] = {}
    for row in rows:
        text = b"".join(vocabulary.pieces[token] for token in row[len(start) :]).decode(errors="replace")
        title, end, _ = text.partition("\n")
        title = title.strip()
        if (
            end
            and 3 <= len(title) <= LONGEST_CHARACTERS
            and title.isprintable()
            and _good(title, predictor.lexicon)
        ):
            titles[title] = None
    return list(titles)


def _good(title: str, lexicon: Lexicon | None) -> bool:
    return blocked(title) is None and (lexicon is None or all(map(lexicon.knows, WORD.findall(title))))
