"""A byte-level BPE tokenizer: any text in any script becomes tokens and comes back byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

if TYPE_CHECKING:
    from collections.abc import Iterable

BOUNDARY = "<|story|>"
"""Stands before, between and after stories. Its index is 0, as ``StoryConfig`` says."""

# Line breaks stand alone, so that "end of paragraph" is one token whatever comes before it. Otherwise GPT-2's split.
_WORDS = r"\n| ?'(?:s|t|re|ve|m|ll|d)\b| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|[^\S\n]+"


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Learn ``vocab_size`` tokens from ``texts``: the boundary, the 256 bytes, and the most useful joins."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[BOUNDARY],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return wrap(tokenizer)


def character_tokenizer(text: str) -> PreTrainedTokenizerFast:
    """Return a tokenizer with one token for each character of ``text``, in sorted order after the boundary."""
    vocabulary = {BOUNDARY: 0} | {sign: index for index, sign in enumerate(sorted(set(text)), start=1)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=BOUNDARY))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return wrap(tokenizer)


def wrap(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """Return the tokenizer in the form that ``save_pretrained`` and ``from_pretrained`` know."""
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOUNDARY,
        eos_token=BOUNDARY,
        pad_token=BOUNDARY,
        clean_up_tokenization_spaces=False,
    )


def token_bytes(tokenizer: PreTrainedTokenizerFast) -> list[bytes]:
    """Return the bytes that each token stands for, none for the boundary."""
    signs = _bytes_of_signs()
    pieces = [b""] * len(tokenizer)
    for token, index in tokenizer.get_vocab().items():
        if token != BOUNDARY:
            pieces[index] = bytes(signs[sign] for sign in token)
    return pieces


def goes_on(piece: bytes) -> bool:
    """Tell whether a token goes on with the word before it: it begins with a letter, or within one."""
    try:
        return piece.decode()[:1].isalpha()
    except (
        UnicodeDecodeError
    ):  # part of a sign: of a letter, but for the byte with which dashes and quotes begin
        return piece[:1] != b"\xe2"


def _bytes_of_signs() -> dict[str, int]:
    """Return the byte that each printable sign of byte-level BPE stands for (Radford et al. 2019)."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {
        chr(256 + place): byte for place, byte in enumerate(others)
    }
