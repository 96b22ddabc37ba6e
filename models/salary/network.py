"""The salary network: a feed-forward network that answers with five quantiles of log pay.

Three parts add up to the median, so that thin evidence can only do what it has evidence for:

- the *trunk*, three ReLU layers over degree, field, age, experience and gender, which real people give together;
- the *university branch*, one ReLU layer over the university, known only from medians of its graduates: it is
  zero on average and zero for a university that is not known;
- the *promotions branch*, a rising line through 0, 1, 2 and 3 promotions, level beyond.

Each source of the data has its own level and spread, learned against one stated reference, the surveys of persons
taken together (``SalaryConfig.reference_sources``), at which the network answers when it is used. What else a source
says otherwise is kept apart in the *source branch*, so that it can be measured without moving an answer.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils.generic import ModelOutput

MEDIAN = 2  # the place of 50% among the five quantiles
PROMOTIONS_KNOWN = 3  # promotions beyond this count as this: under 10 rows have more
CALIBRATION_GROUPS = 12
"""Field known or not, experience known or not, degree not known, below the bachelor's or not below it."""


class SalaryConfig(PreTrainedConfig):
    """Vocabulary, scales and sizes of the network.

    In every vocabulary the index is the place in the list plus one; zero is *not known*.
    """

    model_type = "salary"

    degrees: list[str] = field(default_factory=list)
    """Lowest first."""
    fields: list[str] = field(default_factory=list)
    genders: list[str] = field(default_factory=list)
    universities: list[str] = field(default_factory=list)
    university_features: list[str] = field(default_factory=list)
    """Names of the columns of the buffer ``university_branch.features``."""
    sources: list[str] = field(default_factory=list)
    """Each has one way of measuring pay, so that one offset stands for source and pay concept."""
    reference_sources: list[str] = field(default_factory=list)
    """The network answers at the level and the spread of these together, by their numbers of rows."""

    age_knots: list[float] = field(
        default_factory=lambda: [17.0, 20.0, 23.0, 26.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 68.0]
    )
    experience_knots: list[float] = field(
        default_factory=lambda: [0.5, 1.5, 3.0, 6.0, 9.0, 12.0, 15.5, 20.0, 25.5, 30.5, 35.5, 43.0]
    )
    """Numbers are read between the two nearest knots and held beyond the outer ones, where there are no data."""

    encoding_size: int = 16
    hidden_sizes: list[int] = field(default_factory=lambda: [256, 256, 128])
    university_size: int = 8
    university_hidden_size: int = 48
    university_rank: int = 1
    source_size: int = 16
    source_hidden_sizes: list[int] = field(default_factory=lambda: [256, 128])
    dropout: float = 0.1
    source_dropout: float = 0.15

    quantile_levels: list[float] = field(default_factory=lambda: [0.1, 0.25, 0.5, 0.75, 0.9])
    log_pay_center: float = 11.0
    conformal_factors: list[list[float]] = field(default_factory=lambda: [[1.0] * 5] * CALIBRATION_GROUPS)
    """How far each quantile is moved from the median, as a multiple of what the network says, by calibration group."""
    source_conformal_factors: list[list[float]] = field(default_factory=list)
    """The same by source, for ``SalaryNetwork.estimate_as_measured``."""


class SalaryInputs(NamedTuple):
    """The seven inputs of a batch; a 0 among the indices or a NaN among the numbers is *not known*."""

    degree: Tensor  # [B] long
    field: Tensor  # [B] long
    age: Tensor  # [B] float, years
    experience: Tensor  # [B] float, years
    gender: Tensor  # [B] long
    promotions: Tensor  # [B] float
    university: Tensor  # [B] long


@dataclass
class SalaryOutput(ModelOutput):
    """Five quantiles of the logarithm of annual pay in US dollars of 2024."""

    quantiles: Tensor | None = None  # [B, 5], ascending
    hidden_states: tuple[Tensor, ...] | None = None  # the activations of every layer of the trunk


class NumberEncoding(nn.Module):
    """Encode a number by piecewise-linear interpolation between learned vectors at fixed knots.

    After Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning".
    """

    knots: Tensor

    def __init__(self, knots: list[float], size: int) -> None:
        super().__init__()
        self.register_buffer("knots", torch.tensor(knots))
        self.at_knots = nn.Linear(len(knots), size, bias=False)
        self.not_known = nn.Parameter(torch.zeros(size))

    def forward(self, number: Tensor) -> Tensor:
        """Encode numbers [B], NaN where not known, as vectors [B, size]."""
        known = ~number.isnan()
        value = torch.where(known, number, self.knots[0]).clamp(self.knots[0], self.knots[-1])
        right = torch.searchsorted(self.knots, value.contiguous()).clamp(1, len(self.knots) - 1)  # [B]
        left_knot, right_knot = self.knots[right - 1], self.knots[right]
        share = (value - left_knot) / (right_knot - left_knot)
        hats = functional.one_hot(right, len(self.knots)) * share[:, None]  # [B, knots]
        hats = hats + functional.one_hot(right - 1, len(self.knots)) * (1 - share)[:, None]
        return torch.where(known[:, None], self.at_knots(hats), self.not_known)  # [B, size]


class UniversityBranch(nn.Module):
    """What a university adds to log pay: its worth, times how much that counts for a degree in a field.

    Most institutions are known from one median over all of their students, a few by degree and field; the product
    lets the few teach how far the worth of the many carries over. An institution's own vector starts at zero and
    grows only with its rows, so one without rows is judged by its features alone. The product never goes further than
    it went in rows that know the degree: no median tells of lawyers from a school for engineers. The
    effect is zero for an unknown university, and for people without a degree, of whom no row knows a university.
    """

    features: Tensor
    limits: Tensor
    center: Tensor

    def __init__(self, config: SalaryConfig) -> None:
        super().__init__()
        count, features = len(config.universities) + 1, len(config.university_features)
        self.lowest_degree = config.degrees.index("associate") + 1 if "associate" in config.degrees else 1
        self.register_buffer("features", torch.zeros(count, features))
        # The least and the most in rows that do not know the degree, and in those that do; set after training.
        self.register_buffer("limits", torch.tensor([[-torch.inf, torch.inf]] * 2))
        # The average graduate's university, by degree and field; subtracted once training has ended.
        self.register_buffer("center", torch.zeros(len(config.degrees) + 1, len(config.fields) + 1))
        self.own = nn.Embedding(count, config.university_size)
        self.own_dropout = nn.Dropout(config.dropout)
        self.hidden = nn.Linear(config.university_size + features, config.university_hidden_size)
        self.worth = nn.Linear(config.university_hidden_size, config.university_rank)
        self.degree = nn.Embedding(len(config.degrees) + 1, config.university_rank)
        self.field = nn.Embedding(len(config.fields) + 1, config.university_rank)

    def judge(self, university: Tensor) -> Tensor:
        """Return what is held of universities [B] before degree and field count: [B, university_hidden_size]."""
        own = self.own_dropout(self.own(university))  # [B, university_size]
        return functional.relu(self.hidden(torch.cat([own, self.features[university]], dim=-1)))

    def forward(self, university: Tensor, degree: Tensor, study: Tensor) -> Tensor:
        """Return the effect on log pay [B] of universities [B], graduates of a degree [B] in a field [B]."""
        hidden = self.judge(university)  # [B, university_hidden_size]
        counts = self.degree(degree) + self.field(study)  # [B, rank]
        effect = (self.worth(hidden) * counts).sum(dim=-1)  # [B]
        least, most = self.limits[(degree > 0).long()].unbind(dim=-1)
        effect = effect.clamp(least, most) - self.center[degree, study]
        applies = (university > 0) & ((degree == 0) | (degree >= self.lowest_degree))
        return torch.where(applies, effect, torch.zeros_like(effect))


class PromotionsBranch(nn.Module):
    """What promotions add to log pay: never less for more, level beyond three, zero when not known.

    Doctorates have a line of their own, because their evidence counts the ranks of professors, while everybody
    else's counts changes of title with a raise.
    """

    def __init__(self, doctorate: int | None) -> None:
        super().__init__()
        self.doctorate = doctorate
        self.at_zero = nn.Parameter(torch.zeros(2))
        self.steps = nn.Parameter(torch.full((2, PROMOTIONS_KNOWN), -3.0))

    def forward(self, promotions: Tensor, degree: Tensor) -> Tensor:
        """Return the effect on log pay [B] of a number of promotions [B]."""
        known = ~promotions.isnan()
        line = (degree == self.doctorate).long() if self.doctorate is not None else torch.zeros_like(degree)
        climbed = climb(promotions)  # [B, 3]
        effect = self.at_zero[line] + (functional.softplus(self.steps)[line] * climbed).sum(dim=-1)
        return torch.where(known, effect, torch.zeros_like(effect))


class SourceBranch(nn.Module):
    """What a source says otherwise than its level and its spread tell: a small network for measuring only.

    Professors of one university gain by other fields than people of the surveys, and visa forms leave out the low
    end. Told the source of a row, the network can be compared with peers that see it in the pattern of blanks. The
    branch is trained last, on what the rest has made of a person, and the rest is left as it was: a person's question
    has no source, so that this branch takes no part in an answer.
    """

    center: Tensor
    scale: Tensor

    def __init__(self, config: SalaryConfig) -> None:
        super().__init__()
        evidence = 5 * config.encoding_size + config.hidden_sizes[-1] + config.university_hidden_size
        evidence += PROMOTIONS_KNOWN + 1
        # Mean and scale of the evidence over the rows of the training.
        self.register_buffer("center", torch.zeros(evidence))
        self.register_buffer("scale", torch.ones(evidence))
        self.source = nn.Embedding(len(config.sources), config.source_size)
        widths = [evidence + config.source_size, *config.source_hidden_sizes]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in itertools.pairwise(widths))
        self.dropout = nn.Dropout(config.source_dropout)
        self.head = nn.Linear(widths[-1], len(config.quantile_levels))
        self.always = nn.Embedding(len(config.sources), len(config.quantile_levels))

    def forward(self, quantiles: Tensor, evidence: Tensor, source: Tensor) -> Tensor:
        """Return quantiles [B, 5] as sources [B] see them.

        Args:
            quantiles: at the level and the spread of the sources [B, 5], ascending.
            evidence: what ``SalaryNetwork.evidence`` holds of these people.
            source: indices [B] into ``config.sources``.
        """
        x = torch.cat([(evidence - self.center) / self.scale, self.source(source)], dim=-1)
        for layer in self.layers:
            x = self.dropout(functional.relu(layer(x)))  # [B, hidden size]
        change = self.head(x) + self.always(
            source
        )  # [B, 5]: of the median in the middle, of log gaps around it
        median = quantiles[:, MEDIAN : MEDIAN + 1] + change[:, MEDIAN : MEDIAN + 1]  # [B, 1]
        gaps = quantiles.diff(dim=-1)  # [B, 4]
        below = gaps[:, :MEDIAN] * change[:, :MEDIAN].exp()  # [B, 2]
        above = gaps[:, MEDIAN:] * change[:, MEDIAN + 1 :].exp()  # [B, 2]
        low = median - below.flip(-1).cumsum(-1).flip(-1)  # [B, 2]
        return torch.cat([low, median, median + above.cumsum(-1)], dim=-1)


class SalaryNetwork(PreTrainedModel):
    """Quantiles of log pay from seven inputs, any of which may be missing."""

    config_class = SalaryConfig
    base_model_prefix = "salary"

    config: SalaryConfig

    def __init__(self, config: SalaryConfig) -> None:
        super().__init__(config)
        size = config.encoding_size
        self.degree = nn.Embedding(len(config.degrees) + 1, size)
        self.field = nn.Embedding(len(config.fields) + 1, size)
        self.gender = nn.Embedding(len(config.genders) + 1, size)
        self.age = NumberEncoding(config.age_knots, size)
        self.experience = NumberEncoding(config.experience_knots, size)
        widths = [5 * size, *config.hidden_sizes]
        self.trunk = nn.ModuleList(nn.Linear(before, after) for before, after in itertools.pairwise(widths))
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(widths[-1], len(config.quantile_levels))
        self.university_branch = UniversityBranch(config)
        doctorate = config.degrees.index("doctorate") + 1 if "doctorate" in config.degrees else None
        self.promotions_branch = PromotionsBranch(doctorate)
        self.source_level = nn.Embedding(len(config.sources), 1)
        self.source_spread = nn.Embedding(len(config.sources), 1)
        self.source_branch = SourceBranch(config)
        self.post_init()
        # Not in ``_init_weights``, which transformers calls for no module that holds no weight of its own directly.
        nn.init.zeros_(self.source_level.weight)
        nn.init.zeros_(self.source_spread.weight)
        nn.init.normal_(self.head.weight, std=0.01)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.3)
        if isinstance(module, UniversityBranch):
            nn.init.zeros_(module.own.weight)
            nn.init.normal_(module.worth.weight, std=0.01)
            nn.init.ones_(module.degree.weight)
            nn.init.zeros_(module.field.weight)
        if isinstance(module, SourceBranch):
            nn.init.zeros_(module.always.weight)
            nn.init.normal_(module.head.weight, std=0.01)

    def forward(
        self, inputs: SalaryInputs, source: Tensor | None = None, output_hidden_states: bool = False
    ) -> SalaryOutput:
        """Return uncalibrated quantiles, at the level and the spread of a given source.

        Args:
            inputs: the seven inputs of B people.
            source: indices [B] into ``config.sources``, -1 or nothing for the reference.
            output_hidden_states: return the activations of the trunk too.
        """
        x = self._encode(inputs)  # [B, 5 * encoding_size]
        hidden_states = []
        for layer in self.trunk:
            x = self.dropout(functional.relu(layer(x)))  # [B, hidden size]
            hidden_states.append(x)
        head = self.head(x)  # [B, 5]
        level, log_spread = self._source(source)
        median = self.config.log_pay_center + head[:, MEDIAN] + level  # [B]
        median = median + self.university_branch(inputs.university, inputs.degree, inputs.field)
        median = median + self.promotions_branch(inputs.promotions, inputs.degree)
        # Gaps are positive, so that quantiles cannot cross; at the start they are those of a usual survey.
        gaps = functional.softplus(head - 1.0) * log_spread.exp()[..., None]  # [B, 5], the middle one unused
        below = median[:, None] - gaps[:, :MEDIAN].flip(-1).cumsum(-1).flip(-1)  # [B, 2]
        above = median[:, None] + gaps[:, MEDIAN + 1 :].cumsum(-1)  # [B, 2]
        return SalaryOutput(
            quantiles=torch.cat([below, median[:, None], above], dim=-1),  # [B, 5]
            hidden_states=tuple(hidden_states) if output_hidden_states else None,
        )

    def estimate(self, inputs: SalaryInputs) -> Tensor:
        """Return calibrated quantiles [B, 5] of log pay for the reference: what a person is told."""
        factors = torch.tensor(self.config.conformal_factors, device=inputs.degree.device)  # [groups, 5]
        groups = calibration_groups(inputs, self.config)
        return calibrate(_required(self(inputs).quantiles), factors[groups])

    def as_measured(self, inputs: SalaryInputs, source: Tensor) -> Tensor:
        """Return uncalibrated quantiles [B, 5] of log pay as sources [B] see it, the source branch included."""
        quantiles = _required(self(inputs, source).quantiles)
        corrected: Tensor = self.source_branch(quantiles, self.evidence(inputs), source)
        return corrected

    def estimate_as_measured(self, inputs: SalaryInputs, source: Tensor) -> Tensor:
        """Return calibrated quantiles [B, 5] of log pay as sources [B] see it, to be measured beside peers."""
        factors = torch.tensor(self.config.source_conformal_factors, device=source.device)  # [sources, 5]
        return calibrate(self.as_measured(inputs, source), factors[source])

    def evidence(self, inputs: SalaryInputs) -> Tensor:
        """Return what the network holds of B people, for the source branch: [B, evidence]."""
        x = encoded = self._encode(inputs)
        for layer in self.trunk:
            x = functional.relu(layer(x))
        known = ~inputs.promotions.isnan()
        parts = [
            encoded,
            x,
            self.university_branch.judge(inputs.university) * (inputs.university > 0)[:, None],
            climb(inputs.promotions),
            known[:, None].float(),
        ]
        return torch.cat(parts, dim=-1)

    def count_answering_weights(self) -> int:
        """Count the weights that answers are made with: all but those of the sources, of which a question has none."""
        apart = (self.source_level, self.source_spread, self.source_branch)
        return self.num_parameters() - sum(
            weight.numel() for module in apart for weight in module.parameters()
        )

    def _encode(self, inputs: SalaryInputs) -> Tensor:
        """Return what enters the trunk [B, 5 * encoding_size]."""
        return torch.cat(
            [
                self.degree(inputs.degree),
                self.field(inputs.field),
                self.age(inputs.age),
                self.experience(inputs.experience),
                self.gender(inputs.gender),
            ],
            dim=-1,
        )

    def _source(self, source: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return level and log spread of sources, each [B]; zero for the reference."""
        if source is None:
            return self.source_level.weight.new_zeros(1), self.source_level.weight.new_zeros(1)
        said, index = (source >= 0)[:, None], source.clamp(min=0)
        offsets = torch.cat([self.source_level(index), self.source_spread(index)], dim=-1) * said  # [B, 2]
        return offsets[:, 0], offsets[:, 1]


def climb(promotions: Tensor) -> Tensor:
    """Return how far each of three steps [B, 3] is climbed, from 0 to 1, by promotions [B]; NaN climbs none."""
    value = promotions.nan_to_num(0.0).clamp(0, PROMOTIONS_KNOWN)  # [B]
    return (value[:, None] - torch.arange(PROMOTIONS_KNOWN, device=value.device)).clamp(0, 1)


def calibration_groups(inputs: SalaryInputs, config: SalaryConfig) -> Tensor:
    """Return the index [B] of the calibration group of B people, below ``CALIBRATION_GROUPS``.

    Intervals err by what is known and by schooling, and a person's question tells both. No group divides the years of
    an age or of experience, so that no interval jumps on a birthday.
    """
    bachelor = config.degrees.index("bachelor") + 1
    schooling = (inputs.degree > 0).long() + (inputs.degree >= bachelor).long()  # 0, 1 or 2
    known = 2 * (inputs.field > 0).long() + (~inputs.experience.isnan()).long()  # 0 to 3
    return 3 * known + schooling


def calibrate(quantiles: Tensor, factors: Tensor) -> Tensor:
    """Stretch the distances of quantiles [B, 5] to their median by factors [B, 5] or [5], keeping their order."""
    median = quantiles[:, MEDIAN : MEDIAN + 1]  # [B, 1]
    moved = median + (quantiles - median) * factors  # [B, 5]
    below = moved[:, : MEDIAN + 1].flip(-1).cummin(dim=-1).values.flip(-1)  # [B, 3]
    above = moved[:, MEDIAN:].cummax(dim=-1).values  # [B, 3]
    return torch.cat([below, above[:, 1:]], dim=-1)


def pinball_loss(quantiles: Tensor, log_pay: Tensor, levels: list[float]) -> Tensor:
    """Return the quantile loss [B, 5] (Koenker and Bassett 1978) of quantiles [B, 5] for log pay [B]."""
    error = log_pay[:, None] - quantiles  # [B, 5]
    level = torch.tensor(levels, device=error.device)
    return torch.maximum(level * error, (level - 1) * error)


def _required(tensor: Tensor | None) -> Tensor:
    if tensor is None:  # ModelOutput cannot have required fields of a subclass
        msg = "the network returned no quantiles"
        raise RuntimeError(msg)
    return tensor
