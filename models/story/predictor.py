"""Write stories, many at once, each word by word."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from models.blocked import blocked
from models.predictor import InvalidInput, nbytes
from models.story.data import PLAYS
from models.story.network import NO_STYLE, State, StoryConfig, StoryNetwork
from models.story.sampling import draw, recent_tokens
from models.story.stepper import Stepper
from models.story.stream import Story, StoryRequest, StoryStream, Vocabulary
from models.story.titles import find_title
from models.story.tokenizer import goes_on, token_bytes
from models.story.words import Lexicon

__all__ = ["Story", "StoryPredictor", "StoryRequest", "StoryStream"]

WEIGHTS = Path(__file__).parent / "weights"
LEXICON = "words.txt.xz"

LONGEST_PROMPT = 20_000
"""Characters."""
READ_TOKENS = 768
"""Of a long prompt the last so many are read: what a recurrent network has read earlier hardly shows."""
WORDS = (10, 2000)
TEMPERATURES = (0.1, 2.0)

_TYPED = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "—", "…": "...", "\t": " "})
_ASKED = re.compile(
    r"^(?:please\s+)?(?:can you\s+|could you\s+)?(?:write|tell|make|give)(?:\s+me)?(?:\s+up)?\s+(?:a|an|the|another)\s+"
    r"(?:[\w-]+\s+){0,3}?(?:story|tale|chapter|poem|adventure)\s+(?:about|of|on|with|where|in which)\s+(.+?)[.!?]*$",
    re.IGNORECASE | re.DOTALL,
)
_SMALL = frozenset(
    ["a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"]
)
_LONGEST_TITLE = 80


class StoryPredictor:
    """The story network, ready to write."""

    def __init__(
        self, network: StoryNetwork, tokenizer: PreTrainedTokenizerFast, lexicon: Lexicon | None = None
    ) -> None:
        """Without a ``lexicon`` stories may hold words that no book has."""
        self.network = network.eval()
        self.config: StoryConfig = network.config
        self.tokenizer, self.lexicon = tokenizer, lexicon
        self.stepper = Stepper(network)
        pieces = token_bytes(tokenizer)
        markup = [token for token, piece in enumerate(pieces) if b"#" in piece]
        self.vocabulary = Vocabulary(
            pieces,
            [piece[:1] == b" " and len(piece) > 2 and piece[1:2].isupper() for piece in pieces],
            [token for token, piece in enumerate(pieces) if goes_on(piece)],
            self.config.bos_token_id,
            markup,
            [*markup, self.config.bos_token_id],
        )

    @property
    def nbytes(self) -> int:
        """Bytes that the weights take on the device."""
        return nbytes(self.network) + self.stepper.nbytes

    @property
    def styles(self) -> list[str]:
        """The styles that a request may ask for."""
        return self.config.styles

    @classmethod
    def load(cls, device: torch.device, checkpoint: Path | None = None) -> Self:
        """Read the weights and put the network on ``device``.

        Args:
            device: where to compute.
            checkpoint: a folder of ``save_pretrained``; the shipped weights if not given.

        Raises:
            OSError: the weights are missing or broken.
        """
        folder = checkpoint or WEIGHTS
        network: StoryNetwork = StoryNetwork.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32
        )
        network.to(device=device)  # type: ignore[call-arg]  # a wrapper that transformers has not typed
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        return cls(network, tokenizer, Lexicon.load(folder / LEXICON))

    def open(self, request: StoryRequest) -> StoryStream:
        """Begin a story: find its title and read its opening.

        Raises:
            InvalidInput: the request cannot be used.
        """
        self._check(request)
        style, opening, title = self.prepare(request.prompt, request.style, request.title)
        title = title or find_title(self, request, opening)
        # Titles stand before stories in the books, but not before scenes of plays.
        head = "" if request.style in PLAYS else f"# {title}\n"
        tokens = self.tokens_before(head + opening)
        lexicon = self.lexicon.adding(head + opening) if self.lexicon else None
        state = self.read(tokens[:-1], style)
        return StoryStream(request, title, opening, tokens, state, self.vocabulary, lexicon)

    def prepare(self, text: str, style: str | None, title: str | None) -> tuple[int, str, str | None]:
        """Return the index of a style, a text as the books would print it, and its title if there is one.

        Raises:
            InvalidInput: one of the three cannot be used.
        """
        if style is not None and style not in self.config.styles:
            msg = f"I can't write in the style “{style}”. Please pick one of: {', '.join(self.styles)}."
            raise InvalidInput(msg)
        if len(text) > LONGEST_PROMPT:
            msg = f"That beginning has {len(text):,} characters; I can read {LONGEST_PROMPT:,}."
            raise InvalidInput(msg)
        if blocked(text) or blocked(title or ""):
            msg = "There is a word in that beginning that I'd rather not go on from. Could you put it another way?"
            raise InvalidInput(msg)
        opening, asked = read_prompt(text)
        if style not in PLAYS:
            opening = re.sub(r"\n+", "\n", opening)
        return self.style_index(style), opening, title or asked

    def tokens_before(self, text: str) -> list[int]:
        """Return the boundary and the tokens of a text, or its last ones if it is long."""
        return [self.config.bos_token_id, *self.encode(text)][-READ_TOKENS:]

    @torch.inference_mode()
    def step(self, streams: Sequence[StoryStream]) -> None:
        """Advance every stream by one token."""
        if not streams:
            return
        device = self.stepper.device
        state = (torch.stack([s.state[0] for s in streams], 1), torch.stack([s.state[1] for s in streams], 1))
        logits, (hidden, cell) = self.stepper.step(
            torch.tensor([stream.tokens[-1] for stream in streams], device=device),
            torch.tensor([self.style_index(stream.request.style) for stream in streams], device=device),
            state,
        )
        tokens = draw(
            logits,
            recent_tokens([stream.tokens for stream in streams]),
            [stream.nudges() for stream in streams],
            [stream.request.temperature for stream in streams],
            [stream.request.top_p for stream in streams],
            [stream.chance for stream in streams],
        )
        # From here on nothing can fail for want of memory: the streams keep views.
        for stream, token, h, c in zip(streams, tokens, hidden.unbind(1), cell.unbind(1), strict=True):
            stream.accept(token, (h, c))

    def style_index(self, style: str | None) -> int:
        """Return the index of a style as the network counts them."""
        return NO_STYLE if style is None else self.config.styles.index(style) + 1

    @torch.inference_mode()
    def read(self, tokens: Sequence[int], style: int) -> State:
        """Read tokens in one pass and return the state after them: hidden and cell [layers, hidden_size]."""
        if not tokens:
            hidden, cell = self.network.initial_state(1)
        else:
            output = self.network(self._tensor([list(tokens)]), self._tensor([style]))
            assert output.state is not None
            hidden, cell = output.state
        return hidden[:, 0], cell[:, 0]

    @torch.inference_mode()
    def log_probability(self, rows: Sequence[Sequence[int]], begun: Sequence[int], style: int) -> Tensor:
        """Return how likely each row of tokens is from its place ``begun`` on, in nats [B]."""
        length = max(map(len, rows))
        tokens = self._tensor([[*row, *[self.config.bos_token_id] * (length - len(row))] for row in rows])
        logits = self.network(tokens[:, :-1], self._tensor([style] * len(rows))).logits
        nats = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[..., 0].cpu()  # [B, T - 1]
        place = torch.arange(1, length)  # of the token that each of them predicts
        counted = (place >= torch.tensor(begun)[:, None]) & (place < torch.tensor([*map(len, rows)])[:, None])
        return (nats * counted).sum(dim=1)  # type: ignore[no-any-return]

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, without the boundary."""
        return self.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids

    def _tensor(self, values: Sequence[object]) -> Tensor:
        return torch.tensor(values, device=self.stepper.device)

    @staticmethod
    def _check(request: StoryRequest) -> None:
        """Refuse settings that cannot be used.

        Raises:
            InvalidInput: as the name says.
        """
        if not WORDS[0] <= request.words <= WORDS[1]:
            msg = f"{request.words:,} words? I can write {WORDS[0]} to {WORDS[1]:,}."
            raise InvalidInput(msg)
        if not TEMPERATURES[0] <= request.temperature <= TEMPERATURES[1]:
            msg = f"The temperature has to lie between {TEMPERATURES[0]} and {TEMPERATURES[1]:g}."
            raise InvalidInput(msg)
        if not (math.isfinite(request.top_p) and 0 < request.top_p <= 1):
            msg = "The share of probability to draw from has to be above 0 and at most 1."
            raise InvalidInput(msg)


def read_prompt(prompt: str) -> tuple[str, str | None]:
    """Return the opening of a story as the books would print it, and its title if the prompt asked for a subject."""
    text = prompt.translate(_TYPED).replace("<|story|>", "").replace("\r", "")
    lines = [re.sub(r" +", " ", line).strip() for line in text.split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    if match := re.match(r"#+ *([^\n]{1,80})(?:\n+|\Z)", text):
        return text[match.end() :], match.group(1).strip()
    if (match := _ASKED.match(text)) and len(match.group(1)) <= _LONGEST_TITLE:
        return "", _as_title(match.group(1))
    return text.replace("#", ""), None


def _as_title(subject: str) -> str:
    words = " ".join(subject.split()).split(" ")
    return " ".join(
        word if index and word.lower() in _SMALL else word[:1].upper() + word[1:]
        for index, word in enumerate(words)
    )
