"""Everything that crosses the border between the bot process and a worker: requests, results, events.

The types are ``msgspec`` structs, so that both sides validate what they receive. Requests and results mirror
the frozen dataclasses of the same fields in ``models/*/predictor.py``, which the bot process cannot import
(that would import torch); ``tests/bot/inference/test_messages.py`` proves that the two agree. Which network
takes which of them stands in ``catalogue.py``, so the envelopes below carry them as they are.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self, TypeAlias

import msgspec

Probability: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks of a network, random seeds included: the same request gives the same answer."""

    riddle: ClassVar[frozenset[str]] = frozenset()
    """Names of fields that would give away what people are to guess, and so are not listed beside an answer."""

    def without_uploads(self) -> Self:
        """Return what may be kept once it has been answered: everything but uploaded files."""
        return self


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a network answers."""

    def without_uploads(self) -> Self:
        """Return what may be kept once it has been shown: nothing that shows an uploaded picture."""
        return self


# --- Requests: what a person asks of a network ------------------------------------------------------------


class ClassifyRequest(Request, frozen=True):
    """Recognise what a photograph shows."""

    image: bytes
    """The uploaded file as it came: decoded in the worker only."""
    top: Annotated[int, msgspec.Meta(ge=1, le=10)] = 5

    def without_uploads(self) -> Self:
        """Drop the photograph."""
        return msgspec.structs.replace(self, image=b"")


class SalaryRequest(Request, frozen=True):
    """Estimate a salary. ``None`` means *not said*, for which the network has learned an embedding."""

    degree: str
    field: str | None = None
    age: float | None = None
    experience: float | None = None
    """Years."""
    gender: str | None = None
    promotions: int | None = None
    university: str | None = None
    compared_to: SalaryRequest | None = None
    """Whose estimate this one is set beside: the person as it was before something was changed."""


class CareerRequest(Request, frozen=True):
    """Estimate what people like this one earn who are up to twenty years ahead."""

    person: SalaryRequest
    """Who says an age, years of experience, or both: that is what goes on."""


class LessonRequest(Request, frozen=True):
    """Teach a copy of the salary network what somebody really earns."""

    person: SalaryRequest
    pay: float
    """Annual, in US dollars."""


class StoryRequest(Request, frozen=True):
    """Write a story."""

    prompt: str = ""
    """Its beginning, or what it is to be about."""
    style: str | None = None
    """One of the network's styles, or none in particular."""
    words: int = 200
    """About how long the continuation is to be."""
    temperature: float = 0.7
    """Below 1 plays safe, above 1 takes risks."""
    top_p: float = 0.92
    """The share of probability from which words are drawn."""
    seed: int = 0
    title: str | None = None
    """Of a story that is continued: ``prompt`` is then all of it so far."""


class ReadRequest(Request, frozen=True):
    """Tell how surprising each word of a text is, and which words may follow."""

    text: str
    style: str | None = None
    title: str | None = None


class SpellRequest(Request, frozen=True):
    """Correct the spelling of a text."""

    text: str
    strictness: str = "normal"
    """``careful``, ``normal`` or ``eager``: how sure the network has to be before it alters a word."""
    keep: tuple[str, ...] = ()
    """Words that are right whatever the network thinks."""
    explain: bool = False
    """Whether to show how the text was read."""


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where one picture lies among all that can be painted: all that is needed to paint it again."""

    style: str
    """One of the network's styles, or ``any``."""
    seed: str
    """A number or any words."""
    picks: tuple[int, ...] = (0,)
    """Which of the seed's pictures; then which of that one's neighbours, and so on."""
    creativity: float = 0.7


class ArtRequest(Request, frozen=True):
    """Paint some pictures."""

    style: str
    seed: str
    creativity: float = 0.7
    """0.3 to 1.2: how far pictures may lie from the style's most usual one."""
    count: int = 4
    """1, 4 or 9."""
    neighbours_of: tuple[int, ...] = ()
    """Paint neighbours of a picture of this seed: its number; then the number of one of its neighbours, and so on."""
    variation: int = 0
    """Which pictures of those that the above allows: 0 the first ``count``, 1 the next ``count``, and so on."""
    side: int = 256
    """Of each picture in pixels: what the network paints is enlarged."""


class MixRequest(Request, frozen=True):
    """Walk from one picture to another and back on another way."""

    a: Spot
    b: Spot
    frames: int = 48
    side: int = 256
    """Of the animation in pixels."""


class PrintRequest(Request, frozen=True):
    """Put a picture on something."""

    spot: Spot
    form: Literal["deck", "desktop", "phone"] = "deck"


class VerdictRequest(Request, frozen=True):
    """Ask the cashier what a picture is worth: an uploaded one, or one of our own."""

    image: bytes = b""
    """The uploaded file as it came."""
    spot: Spot | None = None

    def without_uploads(self) -> Self:
        """Drop the picture."""
        return msgspec.structs.replace(self, image=b"")


class LineupRequest(Request, frozen=True):
    """Hide a painting by a human among forgeries; without one, find the forgery that the cashier likes best."""

    riddle = frozenset({"seed", "credit"})  # of the seed, /art would paint the forgeries

    seed: str
    """Of the forgeries, and of the order."""
    style: str = "any"
    """Of the forgeries; in any style, each has another one."""
    real: bytes = b""
    """The file of the painting."""
    credit: str = ""
    """Who painted it, in Discord's markdown; shown when the game is over."""

    def without_uploads(self) -> Self:
        """Drop the painting, which was fetched for this game alone."""
        return msgspec.structs.replace(self, real=b"")


# --- Results: what a network answers ----------------------------------------------------------------------


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One class that the photograph may show."""

    label: str
    """A plain name that a person would say, such as "golden retriever"."""
    confidence: Probability
    heat_map: bytes
    """A JPEG of the photograph, with the places that speak for this class glowing."""


class Classification(Result, frozen=True):
    """What the network sees in a photograph."""

    predictions: tuple[Prediction, ...]
    """Most confident first."""
    sure: bool
    """False below the threshold that the model card justifies."""

    def without_uploads(self) -> Self:
        """Drop the heat maps, for they show the photograph."""
        bare = tuple(msgspec.structs.replace(prediction, heat_map=b"") for prediction in self.predictions)
        return msgspec.structs.replace(self, predictions=bare)


class SalaryEstimate(Result, frozen=True):
    """Annual pay in US dollars of 2024."""

    median: float
    quartile_low: float
    quartile_high: float
    interval_low: float
    """10% quantile: the lower end of the 80% interval."""
    interval_high: float
    """90% quantile."""
    contributions: dict[str, float]
    """Dollars that each given input added to (or took from) the baseline: Shapley values."""
    baseline: float
    """The median estimate when nothing is known: ``median == baseline + sum(contributions.values())``."""
    cautions: tuple[str, ...]
    """Sentences that say where this answer leans on thin evidence."""
    before: float | None
    """The median estimate for ``compared_to``."""
    picture: bytes
    """A PNG of the distribution of pay, and of what each input added."""


class CareerYear(msgspec.Struct, frozen=True, kw_only=True):
    """Annual pay in US dollars of 2024, of people some years ahead."""

    ahead: int
    """Years."""
    median: float
    quartile_low: float
    quartile_high: float
    interval_low: float
    """10% quantile."""
    interval_high: float
    """90% quantile."""


class Career(Result, frozen=True):
    """A cross-section of people of today, not a forecast of anybody's pay."""

    years: tuple[CareerYear, ...]
    """From now on, year by year: up to twenty, fewer where the data end before."""
    picture: bytes
    """A PNG of the curve with its bands."""


class LessonStep(msgspec.Struct, frozen=True, kw_only=True):
    """One of the stages between the question and the better guess."""

    title: str
    words: str
    """What the picture shows, in a few sentences."""
    picture: bytes
    """A PNG of the network."""


class Lesson(Result, frozen=True):
    """What the salary network made of a person, and what it learned from being told the pay."""

    guess: float
    """The median estimate before, in dollars."""
    next_guess: float
    """The same after one step of gradient descent: nearer to the pay."""
    learning_rate: float
    """Of that step."""
    blame: dict[str, float]
    """Which share of the correction falls to each part of the network: together 1."""
    steps: tuple[LessonStep, ...]
    animation: bytes
    """A GIF in which signals run forward and blame runs back."""

    def without_uploads(self) -> Self:
        """Drop the animation: it shows no upload, but is most of the bytes, and the steps tell the same."""
        return msgspec.structs.replace(self, animation=b"")


class Story(Result, frozen=True):
    """A story that has come to its end."""

    title: str
    text: str
    """From the first word of the prompt on."""
    opening: str
    """The part of ``text`` that came from the prompt; ``text`` starts with it."""
    style: str | None
    words: int
    """That the network wrote."""
    finished: bool
    """Whether the network itself found the end, and not the wished length."""


class Surprise(msgspec.Struct, frozen=True, kw_only=True):
    """A word and how little the network had expected it."""

    word: str
    bits: float
    """1 for a coin toss, 12 for one chance in 4,096."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A word that may come next."""

    word: str
    probability: Probability


class Reading(Result, frozen=True):
    """What the story network makes of a text."""

    words: tuple[Surprise, ...]
    """The last ones of the text, which the picture shows."""
    expected: tuple[Expected, ...]
    """The likeliest words to follow, likeliest first."""
    picture: bytes
    """A PNG of the words on colours, and of what is expected."""


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """What may have been meant."""

    word: str
    probability: Probability


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A place of the text that is put right."""

    start: int
    """Characters of the original text before it."""
    end: int
    original: str
    replacement: str
    alternatives: tuple[Alternative, ...]
    """The likeliest first; the original and the replacement are among them."""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A word that was looked at closely."""

    typed: str
    """In small letters."""
    sure: Probability
    """That it is right as it was typed."""
    before: tuple[Alternative, ...]
    """Expected by what stands before it alone, likeliest first."""
    after: tuple[Alternative, ...]
    """Expected by what follows alone."""
    decided: tuple[Alternative, ...]
    """The likeliest candidates, by both sides and by how such a slip comes about."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """How the spelling network read a text."""

    doubts: tuple[Doubt, ...]
    """The words that it trusts least, in the order of the text."""
    picture: bytes
    """A PNG of the words on colours, and of what is expected in the place of each doubt."""


class Correction(Result, frozen=True):
    """A text put right."""

    text: str
    changes: tuple[Change, ...]
    """In the order of the text."""
    proof: Proof | None = None
    """How the text was read, if that was asked for and there is a word in it."""


class Canvas(Result, frozen=True):
    """Painted pictures as one, numbered if there are several."""

    picture: bytes
    """A WebP file."""
    scores: tuple[float, ...]
    """How probable the cashier finds it that each is by a human painter, 0 to 1."""
    picks: tuple[tuple[int, ...], ...]
    """Of each picture: as ``Spot.picks``, or as ``ArtRequest.neighbours_of`` for more like it."""


class Walk(Result, frozen=True):
    """An animation that begins at one picture, passes another half-way and ends where it began."""

    animation: bytes
    """An animated WebP that Discord takes."""

    def without_uploads(self) -> Self:
        """Drop the animation: it shows no upload, but is large, and can be made again."""
        return msgspec.structs.replace(self, animation=b"")


class Print(Result, frozen=True):
    """A picture on something."""

    picture: bytes
    """A JPEG."""

    def without_uploads(self) -> Self:
        """Drop the picture: it shows no upload, but is large, and can be made again."""
        return msgspec.structs.replace(self, picture=b"")


class Appraisal(Result, frozen=True):
    """What the cashier thinks of a picture."""

    score: float
    """How probable it is that a human painted it, 0 to 1."""
    picture: bytes
    """A WebP file: what the cashier saw, and its scale."""

    def without_uploads(self) -> Self:
        """Drop the picture, for it shows the upload."""
        return msgspec.structs.replace(self, picture=b"")


class Lineup(Result, frozen=True):
    """Four pictures, one of which is the answer."""

    picture: bytes
    """A WebP file of all four, numbered."""
    solution: bytes
    """The same with a frame around the answer, and with the cashier's scores."""
    answer: int
    """Its place, from 0."""
    human: bool
    """Whether the answer is by a human painter."""
    scores: tuple[float, ...]
    """How probable the cashier finds it that each is by a human painter, 0 to 1."""


# --- How a worker is to run -------------------------------------------------------------------------------


class Message(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of all envelopes: immutable, tagged with its class name on the wire."""


class WorkerOptions(Message, frozen=True, tag=True):
    """What a worker is told on its command line. Holds no secret: other users can read command lines."""

    device: str = "auto"
    """``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:N``."""
    cpu_threads: int = 1
    preload: tuple[str, ...] = ()
    """Networks to load before saying Ready; the others load on first use."""
    checkpoints: dict[str, str] = {}
    """Folders or hub names that replace a network's own weights."""
    memory_mb: int = 2000
    """Weights on the device together; beyond that the least recently used networks leave it."""
    unload_seconds: float = 0.0
    """Idle time after which a network leaves the device; 0 means never."""
    log_format: Literal["text", "json"] = "text"


# --- Bot process -> worker --------------------------------------------------------------------------------


class Item(Message, frozen=True, tag=True):
    """One job: its code, and the request that its network takes."""

    job: str
    request: msgspec.Raw


class Batch(Message, frozen=True, tag=True):
    """Answer these requests together, by a one-shot network."""

    network: str
    items: tuple[Item, ...]


class Open(Message, frozen=True, tag=True):
    """Begin to answer a request step by step, by a streaming network."""

    network: str
    item: Item


class Close(Message, frozen=True, tag=True):
    """Forget a stream between two steps. Nothing is answered."""

    job: str


Command: TypeAlias = Batch | Open | Close


# --- Worker -> bot process --------------------------------------------------------------------------------


class Ready(Message, frozen=True, tag=True):
    """The worker is up; networks load on first use or because ``preload`` named them."""

    device: str
    """Such as ``cpu`` or ``cuda:0``."""
    device_name: str
    """Such as "NVIDIA GeForce RTX 3060" or the processor's name."""
    torch_version: str
    broken: dict[str, str]
    """Networks that could not be loaded, and why."""


class Done(Message, frozen=True, tag=True):
    """The job's answer."""

    job: str
    result: msgspec.Raw
    seconds: float
    """Time from the job's start on the device to its end, decoding and drawing included."""


class Refused(Message, frozen=True, tag=True):
    """The input cannot be used; ``reason`` is for the person who gave it."""

    job: str
    reason: str


class Failed(Message, frozen=True, tag=True):
    """The network raised; the traceback stands in the worker's log."""

    job: str
    error: str


class Progress(Message, frozen=True, tag=True):
    """How far a stream has come."""

    job: str
    text: str
    """All of it so far: whoever has missed an event has lost nothing."""
    fraction: Probability


class Measured(Message, frozen=True, tag=True):
    """What the device has just been busy with: one batch, or a number of equal steps of open streams."""

    network: str
    size: int
    """Requests in the batch, or streams in each step."""
    seconds: float
    """Of one batch or step."""
    steps: int = 1


class OutOfMemory(Message, frozen=True, tag=True):
    """A batch (or a step) of this size did not fit; smaller ones are tried by themselves."""

    network: str
    size: int


class Loading(Message, frozen=True, tag=True):
    """A network is being read from disk, which may take long the first time."""

    network: str


class Usage(Message, frozen=True, tag=True):
    """Which networks are on the device, told whenever that changes."""

    network_bytes: dict[str, int]
    device_bytes: int
    """Memory of the device in use by the worker, as far as the device tells; on a CPU that of the weights."""


Event: TypeAlias = Ready | Done | Refused | Failed | Progress | Measured | OutOfMemory | Loading | Usage
