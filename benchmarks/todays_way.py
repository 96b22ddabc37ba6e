"""How bots run networks today: in their own process, in threads, behind a lock. Something to compare with.

The same predictors, loaded beforehand, with the same setting of threads: only the way to them differs. A story
is written to its end by whoever holds the lock.
"""

from __future__ import annotations

import asyncio

import torch

from models.story.predictor import StoryPredictor, StoryRequest
from models.story.stream import Story
from models.vision.predictor import Classification, ClassifyRequest, VisionPredictor


class LockedNetworks:
    """An ``asyncio.Lock``, and ``asyncio.to_thread``."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self.lock = asyncio.Lock()
        self.stories = StoryPredictor.load(torch.device("cpu"))
        self.vision = VisionPredictor.load(torch.device("cpu"))

    async def story(self, seed: int, words: int = 150) -> Story:
        """Write a story, when all before it are written."""
        request = StoryRequest(prompt="The old house at the end of the lane", words=words, seed=seed)
        async with self.lock:
            return await asyncio.to_thread(self._write, request)

    async def classify(self, image: bytes) -> Classification:
        """Recognise a photograph, when all before it is done."""
        async with self.lock:
            [seen] = await asyncio.to_thread(self.vision.predict, [ClassifyRequest(image=image)])
        assert isinstance(seen, Classification)
        return seen

    def _write(self, request: StoryRequest) -> Story:
        stream = self.stories.open(request)
        while stream.result is None:
            self.stories.step([stream])
        return stream.result
