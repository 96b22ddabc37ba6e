"""How well spelling is put right, beside the checkers that people use today.

    python -m benchmarks.spelling --data ../shared/data/spelling [--weights DIR] [--no-peers]

Sentences: precision, recall and F0.5 of the altered words, and how many right sentences were altered. Words are
compared in small letters without the signs around them; a sentence and its correction are aligned word by word, and an
alteration counts as right if the gold has the very same one there. Peers that look at words one by one get the words as
our own tokenizer cuts them, so that links, mentions, numbers and code are safe from them too.

Word pairs: how often the right word comes first, or among the first five, of what is offered in place of the typed one.

Peers that are not installed are left out: ``pip install -e .[peers]``, ``apt-get install
aspell hunspell hunspell-en-us``.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Protocol

import torch

from benchmarks.common import hardware, table
from models.predictor import InvalidInput
from models.spell.alignment import edits
from models.spell.predictor import STRICTNESS, SpellPredictor, SpellRequest
from models.spell.tokens import in_case, tokenize

TWEETS = "lexnorm_tweets"
LISTS = ("birkbeck", "toefl_spell", "twitter_typo", "wikipedia_machine_list", "codespell", "cspell")
BETA = 0.5
OFFERED = 5


class Corrector(Protocol):
    """What is measured."""

    def correct(self, text: str) -> str:
        """Return the text put right."""

    def offer(self, word: str) -> list[str]:
        """Return what a misspelled word may mean, the likeliest first, without the word itself."""


@dataclass
class Counts:
    """Alterations of a set of sentences."""

    right: int = 0
    made: int = 0
    wanted: int = 0
    clean: int = 0
    """Sentences that were right."""
    altered: int = 0
    """Right sentences that were altered."""

    @property
    def precision(self) -> float:
        """The share of the made alterations that are right."""
        return self.right / max(1, self.made)

    @property
    def recall(self) -> float:
        """The share of the wanted alterations that were made."""
        return self.right / max(1, self.wanted)

    @property
    def f(self) -> float:
        """F0.5: precision counts twice as much as recall."""
        below = BETA**2 * self.precision + self.recall
        return (1 + BETA**2) * self.precision * self.recall / below if below else 0.0

    def add(self, noisy: str, gold: str, answer: str) -> None:
        """Count one sentence."""
        made, wanted = edits(noisy, answer), edits(noisy, gold)
        self.right += len(made & wanted)
        self.made += len(made)
        self.wanted += len(wanted)
        if not wanted:
            self.clean += 1
            self.altered += bool(made)


class Ours:
    """The network."""

    def __init__(self, weights: Path | None, strictness: str) -> None:
        self.predictor = SpellPredictor.load(torch.device("cpu"), weights)
        self.strictness = strictness

    def correct(self, text: str) -> str:
        """Return the text put right."""
        [answer] = self.predictor.predict([SpellRequest(text=text, strictness=self.strictness)])
        if isinstance(answer, InvalidInput):
            raise answer
        return answer.text

    def offer(self, word: str) -> list[str]:
        """Return the candidates of a message of this one word."""
        likely: dict[str, float] = defaultdict(float)
        for verdict in self.predictor.judge(word):
            one = verdict.judged
            if one.typed == word.lower():
                for candidate, probability in zip(one.candidates, verdict.probabilities, strict=True):
                    likely[candidate] = max(likely[candidate], probability)
        likely.pop(word.lower(), None)
        return sorted(likely, key=lambda candidate: -likely[candidate])


class WordByWord:
    """A peer that knows for each word whether it is right, and if not, what it may be."""

    def __init__(self, suggest: Callable[[str], list[str] | None], offer: Callable[[str], list[str]]) -> None:
        self.suggest = lru_cache(maxsize=None)(suggest)
        self.offer = offer

    def correct(self, text: str) -> str:
        """Return the text with each word that is not right replaced by the first suggestion."""
        parts, end = [], 0
        for token in tokenize(text):
            if token.word:
                offered = self.suggest(token.word)
                if offered and offered[0].lower() != token.word:
                    parts += [text[end : token.start], in_case(offered[0].lower(), token.case)]
                    end = token.end
        return "".join([*parts, text[end:]])


class Compound:
    """SymSpell's correction of whole sentences, which may split and join words."""

    def __init__(self, checker: Any) -> None:
        self.checker = checker

    def correct(self, text: str) -> str:
        """Return the text put right; it comes back without its signs, which are not compared."""
        found = self.checker.lookup_compound(text, max_edit_distance=2, ignore_non_words=True)
        return str(found[0].term) if found else text

    def offer(self, word: str) -> list[str]:
        """Return its one answer."""
        answer = self.correct(word)
        return [answer] if answer != word else []


class Ispell:
    """A checker with Ispell's pipe: one word in, one line of suggestions out."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.process.stdout.readline()  # its name

    def suggest(self, word: str) -> list[str] | None:
        """Return suggestions, or nothing if the word is right."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"^{word}\n")
        self.process.stdin.flush()
        found: list[str] = []
        while line := self.process.stdout.readline().strip():
            if line.startswith("&"):
                found += [part.strip().lower() for part in line.partition(":")[2].split(",")]
        return found or None


def _symspell() -> Iterator[tuple[str, Corrector]]:
    symspell = importlib.import_module("symspellpy")
    checker = symspell.SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
    folder = Path(str(symspell.__file__)).parent
    checker.load_dictionary(str(folder / "frequency_dictionary_en_82_765.txt"), 0, 1)
    checker.load_bigram_dictionary(str(folder / "frequency_bigramdictionary_en_243_342.txt"), 0, 2)

    def suggest(word: str) -> list[str] | None:
        found = checker.lookup(word, symspell.Verbosity.TOP, max_edit_distance=2)
        return [found[0].term] if found else None

    def offer(word: str) -> list[str]:
        found = checker.lookup(word, symspell.Verbosity.ALL, max_edit_distance=2)
        return [one.term for one in found if one.term != word]

    yield "symspellpy lookup", WordByWord(suggest, offer)
    yield "symspellpy compound", Compound(checker)


def _pyspellchecker() -> Iterator[tuple[str, Corrector]]:
    checker = importlib.import_module("spellchecker").SpellChecker()

    @cache
    def offer(word: str) -> list[str]:
        found = checker.candidates(word) or ()
        return sorted((one for one in found if one != word), key=lambda one: (-checker[one], one))

    yield "pyspellchecker", WordByWord(lambda word: None if checker.known([word]) else offer(word), offer)


def _autocorrect() -> Iterator[tuple[str, Corrector]]:
    checker = importlib.import_module("autocorrect").Speller("en")

    def offer(word: str) -> list[str]:
        found = sorted(checker.get_candidates(word), reverse=True)
        return [one for _, one in found if one != word]

    yield "autocorrect", WordByWord(lambda word: [checker.autocorrect_word(word)], offer)


def _ispell(name: str, *command: str) -> Iterator[tuple[str, Corrector]]:
    path = shutil.which(command[0])
    if path:
        checker = Ispell(path, *command[1:])
        yield name, WordByWord(checker.suggest, lambda word: checker.suggest(word) or [])


def peers() -> Iterator[tuple[str, Corrector]]:
    """Yield every peer that is installed."""
    for find in (_symspell, _pyspellchecker, _autocorrect):
        try:
            yield from find()
        except ModuleNotFoundError as error:
            print(f"left out: {error.name} is not installed")
    yield from _ispell("aspell", "aspell", "-a", "--lang=en_US", "--encoding=utf-8")
    yield from _ispell("hunspell", "hunspell", "-a", "-d", "en_US", "-i", "utf-8")


def read(path: Path) -> list[tuple[str, str, str]]:
    """Read lines of three columns."""
    return [(a, b, c) for a, b, c in (line.split("\t") for line in path.read_text().splitlines())]


def measure_sentences(
    corrector: Corrector, rows: Sequence[tuple[str, str, str]]
) -> tuple[dict[str, Counts], float]:
    """Return the counts of each source, and sentences a second."""
    began = time.perf_counter()
    answers = [corrector.correct(noisy) for noisy, _, _ in rows]
    pace = len(rows) / (time.perf_counter() - began)
    found: defaultdict[str, Counts] = defaultdict(Counts)
    for (noisy, gold, source), answer in zip(rows, answers, strict=True):
        found[source].add(noisy, gold, answer)
    return dict(found), pace


def measure_words(
    corrector: Corrector, rows: Sequence[tuple[str, str, str]]
) -> dict[str, tuple[float, float]]:
    """Return top-1 and top-5 of each list."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for typed, meant, sources in rows:
        offered = [word.lower() for word in corrector.offer(typed.lower())[:OFFERED]]
        place = offered.index(meant.lower()) if meant.lower() in offered else OFFERED
        for name in {part.split(":")[0] for part in sources.split("+")}:
            places[name].append(place)
    return {
        name: (sum(p == 0 for p in found) / len(found), sum(p < OFFERED for p in found) / len(found))
        for name, found in places.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spelling", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of sentence_pairs_dev.tsv")
    parser.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--strictness", nargs="*", choices=[*STRICTNESS], default=["normal"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    sentences = read(options.data / "sentence_pairs_dev.tsv")
    words = read(options.data / "word_pairs_dev.tsv")
    systems: list[tuple[str, Corrector]] = [
        (f"the network ({name})", Ours(options.weights, name)) for name in options.strictness
    ]
    if not options.no_peers:
        systems += peers()
    sources = list(dict.fromkeys(source for _, _, source in sentences))
    rows: list[list[str]] = []
    false_alarms: list[list[str]] = []
    lists: list[list[str]] = []
    for name, corrector in systems:
        found, pace = measure_sentences(corrector, sentences)
        rows.append(
            [name]
            + [
                f"{100 * c.precision:.1f} / {100 * c.recall:.1f} / **{100 * c.f:.1f}**"
                for c in (found[source] for source in sources)
            ]
        )
        prose = [found[source] for source in sources if source != TWEETS]
        clean, altered = (sum(getattr(c, part) for c in prose) for part in ("clean", "altered"))
        tweets = found[TWEETS]
        false_alarms.append(
            [
                name,
                f"{100 * altered / clean:.1f}% of {clean}",
                f"{100 * tweets.altered / tweets.clean:.1f}% of {tweets.clean}",
                f"{pace:.0f}",
            ]
        )
        if not any(name.startswith("the network") and row[0].startswith("the network") for row in lists):
            top = measure_words(corrector, words)
            lists.append([name, *(f"{100 * top[one][0]:.1f} / {100 * top[one][1]:.1f}" for one in LISTS)])
        print(f"measured {name}", flush=True)
    print(hardware(), "- one thread")
    print("\nPrecision / recall / F0.5 of altered words, %\n")
    print(table(["", *sources], rows))
    print("\nRight sentences that were altered, and pace\n")
    print(table(["", "prose", "tweets", "sentences/s"], false_alarms))
    print("\nWord pairs alone: right word first / among five, %\n")
    print(table(["", *LISTS], lists))


if __name__ == "__main__":
    main()
