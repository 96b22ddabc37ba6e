"""Where the sentences to learn from come from: clean text that is made wrong, and real pairs of both."""

from __future__ import annotations

import gzip
import lzma
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path

from rapidfuzz.distance import OSA

from models.spell.alignment import differences
from models.spell.data import Judged, Reader, Sentence
from models.spell.lexicon import MUCH, Lexicon, sound
from models.spell.ngrams import Ngrams, numbers
from models.spell.noise import CONFUSED, Noise, Pair
from models.spell.tokens import Case, Token, tokenize

REAL = {
    "holbrook": 4.0,
    "jfleg_dev_spelling": 4.0,
    "wiki_realword": 6.0,
    "lexnorm_tweets": 8.0,
    "synthetic_wikipedia": 1.0,
}
"""What a real sentence pair of each source is worth."""
VALID = {
    "holbrook": 50,
    "jfleg_dev_spelling": 50,
    "wiki_realword": 10,
    "lexnorm_tweets": 100,
    "synthetic_wikipedia": 150,
}
"""Pairs of each source that are kept for validation: a stretch of the file, for neighbours are alike."""
OPEN = frozenset({"wiki_realword"})
"""Sources of sentence pairs with an open licence."""
REAL_SHARE = 0.3
"""Of the sentences so many are real pairs."""
ALONE_SHARE = 0.25
"""So many, beside the others, are a single misspelling of the lists, or a right word, with nothing around it."""
ALONE_RIGHT = 0.2
CLEAN_SHARE = 0.5
"""Of the clean sentences so many stay right."""
CHAT_SHARE = 0.4
"""So many are brought into the form of chat: small letters, hardly any punctuation."""
ERRORS = (0.04, 0.25)
"""Shares of words that are wrong in a sentence that is not right; the share is drawn between them."""
UNKNOWN_SHARE = 0.015
"""Right words that the network is made to believe unknown, so that it learns to leave names alone."""
APART = 6.0
"""As often as this, log2 of a count, two words stand side by side that are right as two."""
NEAR = 3.8
"""As common as this, a word one edit away keeps a right word from being made unknown."""
LONGEST = 40  # tokens of a sentence
RIGHT_JUDGED = 6
"""Right words of a sentence that are judged in training; they stand for all of them. The wrong ones always are."""
MOST_WEIGHT = 3.0
TRAINED, TRAINED_RIGHT = 10, 6
"""Candidates of a wrong and a right word in training, drawn from all: more teach little."""
POOL = 12
"""Batches that are made together and then sorted by length, so that little of a batch is padding."""
MODERN_SHARE = 0.6
MODERN_WORTH = 3
"""What modern text counts in the counts of neighbouring words, beside stories."""
STORY_BYTES = 2_500_000
"""Read of each style for training; the rest is only counted, so that no sentence's own words are in the counts."""
OLD = ("tinyshakespeare", "shakespeare", "legend")
"""Styles whose English nobody types today."""
CHUNK = 1_000_000

COMMON = 2.9
"""As common as this, on Zipf's scale, no misspelling is, but for an apostrophe left out or two letters swapped."""
LONG = 8
"""Letters of a word that is like hardly any other by chance."""
PARTICLES = ("a", "as", "at", "in", "of")
"""Words that people write in one with the next word."""
SLANG = 3.3
"""How common a word without a dictionary's voucher must be to count as slang, a name or a brand of today."""
SLANG_SHARE = 0.25
"""So many messages in the form of chat get a word of today's that stands in no dictionary."""

_PLAIN = re.compile(r"[a-z]+(?:'[a-z]+)*")
_SENTENCE = re.compile(r"""[^.!?]+[.!?]+["')]*\s*|[^.!?]+$""")


def read_lexicon(pairs: Sequence[Pair], least: float = 2.2) -> Lexicon:
    """Return the words that people write, from counts of today's texts (``wordfreq``), without listed misspellings.

    What is common today is kept although it stands in a list ("thx" for "the", "gamers" for "games"): it is slang far
    more often than a slip. A word that no dictionary vouches for and that sounds like a much commoner one
    ("definately") is doubted.
    """
    import wordfreq  # only training counts words

    zipf = {
        word: wordfreq.freq_to_zipf(share)
        for word, share in wordfreq.get_frequency_dict("en").items()
        if _PLAIN.fullmatch(word) and (len(word) > 1 or word in "aio")
    }
    known = {word: z for word, z in zipf.items() if z >= least}
    meant: defaultdict[str, dict[str, float]] = defaultdict(dict)
    vouched = set(_symspell_words())
    for pair in pairs:
        for word in pair.meant.split():
            vouched.add(word)
            if _PLAIN.fullmatch(word):
                known.setdefault(word, zipf.get(word, 1.0))
    for group in CONFUSED.split("|"):
        for word in group.split():
            for other in group.split():
                if word != other:
                    meant[word].setdefault(other, 0.0)
    for pair in pairs:
        common = min((zipf.get(word, 0.0) for word in pair.meant.split()), default=0.0)
        slip = _alike(pair.typed, pair.meant)
        rarer = pair.typed in known and common > known[pair.typed] + MUCH * 0.7
        if rarer and not pair.real_word and (slip or known[pair.typed] < COMMON):
            del known[pair.typed]
        if _PLAIN.fullmatch(pair.typed.replace(" ", "")) and _PLAIN.fullmatch(pair.meant.replace(" ", "")):
            if pair.typed in known and not (pair.real_word or slip):
                continue
            words = meant[pair.typed]
            words[pair.meant] = max(words.get(pair.meant, 0.0), pair.worth)
    listed = {
        typed: tuple(sorted(words, key=lambda word: -words[word])[:6]) for typed, words in meant.items()
    }
    sure = Lexicon({word: z for word, z in known.items() if word in vouched})
    return Lexicon(
        known, listed, [word for word, z in known.items() if word not in vouched and _doubtful(word, z, sure)]
    )


def read_slang(lexicon: Lexicon) -> list[str]:
    """Return common words that no dictionary vouches for: slang, names, games, brands."""
    vouched = set(_symspell_words())
    common = [word for word in lexicon.words if lexicon.commonness(word) > SLANG]
    return [word for word in common if word not in vouched and "'" not in word]


def _alike(typed: str, meant: str) -> bool:
    """Whether a word is nothing but another one with the apostrophe left out, letters swapped, or the same sound."""
    typed, meant = typed.replace("'", ""), meant.replace("'", "").replace(" ", "")
    return sorted(typed) == sorted(meant) or (len(typed) > 4 and sound(typed) == sound(meant))


def _doubtful(word: str, zipf: float, sure: Lexicon) -> bool:
    """Whether a word is like a much commoner one that a dictionary vouches for."""
    if "'" in word:
        return False
    for part in PARTICLES:
        rest = word.removeprefix(part)
        if rest != word and len(rest) > 2 and sure.commonness(rest) > max(5.0, zipf + MUCH):
            return True  # "alot"
    name = "" if word[-1] == word[-2:-1] else word[:-1]  # "royale", but not "untill"
    for other in sure.candidates(word, thorough=False)[1:]:
        edits = OSA.distance(word, other.replace("'", ""))
        if edits == 0:  # "dont"
            return True
        swapped = len(word) > 2 and sorted(word) == sorted(other) and edits == 1
        if swapped and sure.commonness(other) > zipf + 4 * MUCH:  # "teh"
            return True
        like = sound(word) == sound(other) and len(word) >= (5 if edits == 1 else 7)
        if (
            (like or (edits == 1 and len(word) >= LONG))
            and edits <= 2
            and word[0] == other[0]
            and sure.commonness(other) > zipf + MUCH * (1.2 if edits == 1 else 1.5)
            and " " not in other
            and other not in (f"{word}s", name)
        ):
            return True
    return False


def _symspell_words() -> Iterator[str]:
    for line in _symspell("frequency_dictionary_en_82_765.txt"):
        yield line.split(" ", 1)[0]


def _symspell(name: str) -> list[str]:
    """Read a file of the package symspellpy, which only training needs."""
    found = find_spec("symspellpy")
    if found is None or found.origin is None:
        msg = "The training needs the package symspellpy: pip install symspellpy"
        raise ModuleNotFoundError(msg)
    return (Path(found.origin).parent / name).read_text(encoding="utf-8-sig").splitlines()


def read_clean(data: Path, seed: int) -> list[str]:
    """Return clean sentences, modern ones and a part of each style of stories, in a random order."""
    modern = _modern(data)[::2]
    old: list[str] = []
    for path in _stories(data):
        with lzma.open(path, "rt", encoding="utf-8") as file:
            text = file.read(STORY_BYTES)
        for line in text.split("\n"):
            if not line.startswith("#"):
                old += [part.strip() for part in _SENTENCE.findall(line) if 12 < len(part) < 240]
    lot = random.Random(seed)
    wanted = int(len(modern) * (1 - MODERN_SHARE) / MODERN_SHARE)
    sentences = [*modern, *lot.sample(old, min(len(old), wanted))]
    lot.shuffle(sentences)
    return sentences


def count_company(data: Path, lexicon: Lexicon) -> Ngrams:
    """Count which words stand beside each other, in text of which ``read_clean`` returns nothing."""
    others: dict[tuple[str, str], int] = {}  # from Google's books
    for line in _symspell("frequency_bigramdictionary_en_243_342.txt"):
        first, second, count = line.split()
        others[first, second] = int(count)

    def texts() -> Iterator[tuple[str, int]]:
        yield "\n".join(_modern(data)[1::2]), MODERN_WORTH
        for path in _stories(data):
            with lzma.open(path, "rt", encoding="utf-8") as file:
                file.read(STORY_BYTES)
                while text := file.read(CHUNK):
                    yield text, 1

    return Ngrams.count(texts(), numbers(lexicon.words), others)


def _modern(data: Path) -> list[str]:
    return lzma.decompress((data / "modern" / "modern.txt.xz").read_bytes()).decode().splitlines()


def _stories(data: Path) -> list[Path]:
    return [path for path in sorted((data / "stories").glob("*.txt.xz")) if not path.name.startswith(OLD)]


def read_real(path: Path, *, open_only: bool = False) -> list[tuple[str, str, str]]:
    """Return pairs of a sentence as it was written and as it should be, with their source."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    rows = [line.split("\t") for line in text.splitlines()]
    return [(a, b, source) for a, b, source in rows if not open_only or source in OPEN]


def keep_apart(
    real: Sequence[tuple[str, str, str]],
) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """Split real pairs into those for training and those for validation."""
    train: list[tuple[str, str, str]] = []
    valid: list[tuple[str, str, str]] = []
    seen: Counter[str] = Counter()
    for pair in real:
        seen[pair[2]] += 1
        (valid if seen[pair[2]] <= VALID[pair[2]] else train).append(pair)
    return train, valid


def compare(written: str, right: str) -> Sentence:
    """Return the tokens of a sentence, with what was meant by each as the right one tells."""
    tokens, wanted = tokenize(written), [token for token in tokenize(right) if token.word or token.sign]
    sentence = Sentence(tokens, written, [None] * len(tokens))
    places = [place for place, token in enumerate(tokens) if token.word or token.sign]
    left = [tokens[place].word or tokens[place].sign for place in places]
    words = [token.word or token.sign for token in wanted]
    for place, word in zip(places, left, strict=True):
        sentence.meant[place] = word if word[:1].isalpha() else None
    for (begin, end), (first, last) in differences(left, words):
        mine, theirs = places[begin:end], words[first:last]
        spelled = all(word[:1].isalpha() for word in (*left[begin:end], *theirs))
        for place in mine:
            sentence.meant[place] = None
        if spelled and len(mine) == 1 and theirs:
            sentence.meant[mine[0]] = " ".join(theirs)
        elif spelled and len(mine) == 2 and len(theirs) == 1 and mine[1] == mine[0] + 1:
            sentence.meant[mine[0]] = theirs[0]
            sentence.joined.add(mine[0])
    return sentence


class Maker:
    """Makes sentences to learn from."""

    def __init__(
        self,
        clean: Sequence[str],
        real: Iterable[tuple[str, str, str]],
        alone: Sequence[Pair],
        noise: Noise,
        reader: Reader,
        seed: int,
        slang: Sequence[str] = (),
    ) -> None:
        self.noise, self.reader, self.alone = noise, reader, alone
        self._worths_alone = list(accumulate(pair.worth for pair in alone))
        self.real = list(real)
        self.clean = [*clean, *(right for _, right, _ in self.real)]
        self.slang = slang
        self._worth = [REAL[source] for _, _, source in self.real]
        self.lot = random.Random(seed)
        self._pool: list[list[Sentence]] = []

    def sentence(self) -> Sentence:
        """Make one sentence: real or corrupted, at times as in chat."""
        while True:
            if self.alone and self.lot.random() < ALONE_SHARE:
                sentence = self._single()
                if len(sentence.tokens) <= 3 and any(sentence.meant):
                    return sentence
                continue
            if self.real and self.lot.random() < REAL_SHARE:
                written, right, _ = self.lot.choices(self.real, self._worth)[0]
                if self.lot.random() < CHAT_SHARE / 2:
                    written, right = written.lower(), right.lower()
                sentence = compare(written, right)
            else:
                sentence = self.corrupt(self.lot.choice(self.clean))
            if 2 <= len(sentence.tokens) <= LONGEST and any(sentence.meant):
                return sentence

    def _single(self) -> Sentence:
        """Make a message of one misspelling, or of one right word."""
        pair = self.lot.choices(self.alone, cum_weights=self._worths_alone)[0]
        typed = pair.meant if self.lot.random() < ALONE_RIGHT else pair.typed
        return compare(typed, pair.meant)

    def sentences(self, count: int) -> list[Sentence]:
        """Make sentences of about one length."""
        if not self._pool:
            made = sorted((self.sentence() for _ in range(POOL * count)), key=lambda one: len(one.tokens))
            self._pool = [made[place : place + count] for place in range(0, len(made), count)]
            self.lot.shuffle(self._pool)
        return self._pool.pop()

    def corrupt(self, text: str) -> Sentence:
        """Make a clean sentence as people would have typed it."""
        chat = self.lot.random() < CHAT_SHARE
        share = 0.0 if self.lot.random() < CLEAN_SHARE else self.lot.uniform(*ERRORS)
        text = text.lower() if chat else text
        tokens = tokenize(text)
        if chat and self.slang and self.lot.random() < SLANG_SHARE:
            text, tokens = self._with_slang(text, tokens)
        if chat and self.lot.random() < 0.7:
            tokens = [token for token in tokens if token.word or token.sign not in tuple(',.;:"-')]
        parts: list[str] = []
        made: list[Token] = []
        meant: list[str | None] = []
        joined: set[int] = set()
        place = 0
        skip = False
        for number, token in enumerate(tokens):
            if skip:
                skip = False
                continue
            gap = token.start > tokens[number - 1].end if number else False
            place += gap
            parts.append(" " * gap)
            word = token.word
            written: list[str] = [word or text[token.start : token.end]]
            right: list[str | None] = [word or None]
            if word and self.lot.random() < share:
                after = tokens[number + 1] if number + 1 < len(tokens) else None
                lot = self.lot.random()
                if lot < 0.06 and after and after.word and after.start == token.end + 1:
                    written, right, skip = [word + after.word], [f"{word} {after.word}"], True
                elif lot < 0.10 and len(word) > 4 and (parts_of := self._cut(word)):
                    written, right = parts_of, [word, None]
                    joined.add(len(made))
                else:
                    written = self.noise.misspell(word, self.lot).split(" ")
                    if len(written) > 2 or any(not part for part in written):
                        written = [word]
                    if len(written) == 2:
                        right = [word, None]
                        joined.add(len(made))
            for index, (piece, wanted) in enumerate(zip(written, right, strict=True)):
                if index:
                    parts.append(" ")
                    place += 1
                shown = piece if not word else _as(piece, token.case if not index else Case.LOWER)
                if word:
                    made.append(Token(place, place + len(shown), piece, "", token.case))
                else:
                    made.append(replace(token, start=place, end=place + len(shown)))
                meant.append(wanted)
                parts.append(shown)
                place += len(shown)
        return Sentence(made, "".join(parts), meant, joined)

    def _with_slang(self, text: str, tokens: list[Token]) -> tuple[str, list[Token]]:
        """Put a word of today's between two others."""
        spaced = [token.start for token in tokens if token.start and text[token.start - 1] == " "]
        place = self.lot.choice([0, *spaced])
        text = f"{text[:place]}{self.lot.choice(self.slang)} {text[place:]}".lower()
        return text, tokenize(text)

    def _cut(self, word: str) -> list[str]:
        """Return the parts of a word that are words themselves, or nothing."""
        cuts = [
            [word[:place], word[place:]]
            for place in range(2, len(word) - 1)
            if word[:place] in self.reader.lexicon and word[place:] in self.reader.lexicon
        ]
        # "every day" is as right as "everyday".
        cuts = [cut for cut in cuts if self.reader.company(*cut) < APART]
        return self.lot.choice(cuts) if cuts else []

    def unknown(self, sentences: Sequence[Sentence]) -> frozenset[str]:
        """Choose right words that the network is to believe unknown."""
        right = {
            token.word
            for sentence in sentences
            for token, meant in zip(sentence.tokens, sentence.meant, strict=True)
            if token.word and token.word == meant and len(token.word) > 3
        }
        drawn = (word for word in sorted(right) if self.lot.random() < UNKNOWN_SHARE)
        return frozenset(word for word in drawn if not self._like_a_common_one(word))

    def _like_a_common_one(self, word: str) -> bool:
        """Whether a word is one edit away from a common one: a stranger like that is most often a slip for it."""
        lexicon = self.reader.lexicon
        return any(
            lexicon.commonness(other) > NEAR and OSA.distance(word, other) == 1
            for other in lexicon.candidates(word, thorough=False)[1:]
        )

    def judged(
        self, sentence: Sentence, number: int, *, every: bool = False
    ) -> list[tuple[Judged, int, float]]:
        """Choose the words of a sentence that are judged, with the place of the right candidate and a weight.

        Args:
            sentence: whose right words are known.
            number: of the sentence in its batch.
            every: all words with all candidates, as in use, and the place is -1 where the right one is missing; else
                all wrong words and some right ones, fewer candidates, and the right one always among them.
        """
        right: list[int] = []
        found: list[tuple[Judged, int, float]] = []
        for place, (token, meant) in enumerate(zip(sentence.tokens, sentence.meant, strict=True)):
            if token.word and meant is not None:
                if token.word != meant or place in sentence.joined or every:
                    found += self._answers(sentence, place, number, every, 1.0)
                else:
                    right.append(place)
        drawn = self.lot.sample(right, min(len(right), RIGHT_JUDGED))
        for place in drawn:
            weight = min(MOST_WEIGHT, len(right) / len(drawn))
            found += self._answers(sentence, place, number, every, weight)
        return found

    def _answers(
        self, sentence: Sentence, place: int, number: int, every: bool, weight: float
    ) -> list[tuple[Judged, int, float]]:
        meant, joined = sentence.meant[place], place in sentence.joined
        found = []
        thorough = every or len(sentence.tokens) == 1
        for one in self.reader.choices(sentence, place, number, thorough=thorough):
            if one.span == 2:
                wanted = meant if joined else one.typed
            elif joined:
                continue  # what this word alone should be is not known
            else:
                wanted = meant
            assert wanted is not None  # the caller has looked
            if every or one.span == 2:
                label = one.candidates.index(wanted) if wanted in one.candidates else -1
                found.append((one, label, weight))
                continue
            candidates = one.candidates if thorough else self._some(one.candidates, wanted)
            if wanted not in candidates:
                candidates = (*candidates, wanted)
            found.append((replace(one, candidates=candidates), candidates.index(wanted), weight))
        return found

    def _some(self, candidates: tuple[str, ...], wanted: str) -> tuple[str, ...]:
        """Draw some of the candidates, the word as it was typed and the likeliest among them."""
        most = TRAINED_RIGHT if wanted == candidates[0] else TRAINED
        if len(candidates) <= most:
            return candidates
        head = candidates[: 1 + most // 2]
        return (*head, *self.lot.sample(candidates[len(head) :], most - len(head)))


def _as(word: str, case: Case) -> str:
    if case is Case.UPPER:
        return word.upper()
    return word[:1].upper() + word[1:] if case is Case.TITLE else word
