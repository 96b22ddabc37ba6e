"""How many tokens a second the story network writes, for 1 to 32 stories at once, on one core.

    python -m benchmarks.story_streams [TOKENS]

Beside it the same network run by transformers' ``generate``, and a GPT-2 of the same size (with random weights:
its speed does not depend on them). All three draw with temperature, top-p and a penalty on repetition; ours also
looks for slurs, repeated runs and good endings after every token.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel, PreTrainedModel

from models.story.predictor import StoryPredictor, StoryRequest
from models.story.sampling import CANDIDATES, REPETITION_PENALTY

STREAMS = (1, 4, 16, 32)
REPEATS = 3
PROMPT = "The storm had blown for three days when the old man saw a light upon the sea"


def ours(predictor: StoryPredictor, count: int, tokens: int) -> Callable[[], int]:
    """Return what writes ``tokens`` tokens of ``count`` stories, opened beforehand, and says how many it wrote."""
    styles = predictor.styles
    streams = [
        predictor.open(StoryRequest(prompt=PROMPT, style=styles[seed % len(styles)], words=2000, seed=seed))
        for seed in range(count)
    ]

    def write() -> int:
        for _ in range(tokens):
            predictor.step(streams)
        return tokens * count

    return write


def by_generate(network: PreTrainedModel, prompt: list[int], count: int, tokens: int) -> Callable[[], int]:
    """Return what lets transformers write as much."""
    inputs = torch.tensor([prompt] * count)  # [count, T]
    settings = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=tokens,
        do_sample=True,
        temperature=0.8,
        top_p=0.92,
        top_k=CANDIDATES,
        repetition_penalty=REPETITION_PENALTY,
        pad_token_id=1,  # never needed: all rows are of one length
        min_new_tokens=tokens,
    )
    # GPT-2 asks for a mask; a recurrent network has no use for one.
    mask = {"attention_mask": torch.ones_like(inputs)} if isinstance(network, GPT2LMHeadModel) else {}

    def write() -> int:
        text = network.generate(inputs, settings, **mask)  # type: ignore[operator]
        return int(text.shape[1] - len(prompt)) * count

    return write


def tokens_a_second(write: Callable[[], int]) -> float:
    """Return the best of some runs: what disturbs a run only ever slows it down."""
    write()
    speeds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        written = write()
        speeds.append(written / (time.perf_counter() - began))
    return max(speeds)


def main(tokens: int) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    predictor = StoryPredictor.load(torch.device("cpu"))
    vocab = predictor.config.vocab_size
    peer = GPT2LMHeadModel(GPT2Config(vocab_size=vocab, n_positions=1024, n_embd=256, n_layer=6, n_head=8))
    peer.train(mode=False)
    prompt = predictor.encode(PROMPT)
    print(f"{_processor()}, 1 thread, torch {torch.__version__}; {tokens} tokens a story, best of {REPEATS}")
    sizes = f"{predictor.network.num_parameters() / 1e6:.1f} M parameters, GPT-2 {peer.num_parameters() / 1e6:.1f} M"
    print(f"{sizes}\n")
    print("| stories at once | tokens/s | `generate`, same network | `generate`, GPT-2 | against one story |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    first = 0.0
    for count in STREAMS:
        speed = tokens_a_second(ours(predictor, count, tokens))
        first = first or speed
        same = tokens_a_second(by_generate(predictor.network, prompt, count, tokens))
        other = tokens_a_second(by_generate(peer, prompt, count, tokens))
        print(f"| {count} | {speed:,.0f} | {same:,.0f} | {other:,.0f} | {speed / first:.1f} x |", flush=True)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 128)
