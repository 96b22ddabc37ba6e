"""Whether half precision pays: processors of one family differ in it by a factor of three, so it is measured."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

TRIES = 2


def half_pays(device: torch.device, work: Callable[[], object]) -> bool:
    """Tell whether ``work`` is faster under autocast to bfloat16; on a GPU it is taken to be."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()  # type: ignore[no-any-return]
    if device.type != "cpu":
        return False
    best = {}
    for half in (False, True):
        times = []
        for _ in range(1 + TRIES):  # the first one also chooses kernels
            began = time.perf_counter()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                work()
            times.append(time.perf_counter() - began)
        best[half] = min(times[1:])
    return best[True] < best[False]
