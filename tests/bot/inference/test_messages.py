"""What crosses the border survives it, and means the same on both sides."""

from __future__ import annotations

import asyncio
import importlib
import io
import re
import typing

import msgspec
import pytest

from bot.inference import frames
from bot.inference.catalogue import NETWORKS, Network
from bot.inference.messages import (
    Batch,
    Classification,
    ClassifyRequest,
    Event,
    Failed,
    Item,
    Prediction,
    Ready,
    Refused,
)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
def test_a_network_s_own_request_and_result_have_the_same_fields(network: Network) -> None:
    module = importlib.import_module(network.module)
    for struct in (network.request, network.result):
        twin = getattr(module, struct.__name__)
        theirs = typing.get_type_hints(twin)
        hints = typing.get_type_hints(struct)
        ours = {
            name: hints[name] for name in struct.__struct_fields__
        }  # what belongs to a class crosses no border
        assert list(theirs) == list(ours)
        for name, kind in ours.items():
            # Types within have the same names, but come from two modules.
            assert _plain(theirs[name]) == _plain(kind), f"{struct.__name__}.{name}"


def _plain(kind: object) -> str:
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", str(kind))


@pytest.mark.parametrize(
    "event",
    [
        Ready(device="cpu", device_name="x", torch_version="2.13.0", broken={"art": "no weights"}),
        Refused(job="vision-7K3F", reason="Das ist kein Bild – 画像ではない"),
        Failed(job="salary-7K3F", error="x" * 70_000),
    ],
)
async def test_events_survive_the_wire(event: Event) -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(frames.encode(event) * 2)
    stream.feed_eof()
    assert [await frames.read_event(stream) for _ in range(3)] == [event, event, None]


async def test_half_a_frame_is_the_end() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(frames.encode(Refused(job="a-b", reason="c"))[:-1])
    stream.feed_eof()
    assert await frames.read_event(stream) is None


def test_requests_cross_in_their_envelopes_and_values_out_of_range_do_not() -> None:
    request = ClassifyRequest(image=b"\xff\xd8", top=11)
    item = Item(job="vision-7K3F", request=msgspec.Raw(msgspec.msgpack.encode(request)))
    batch = frames.read_command(io.BytesIO(frames.encode(Batch(network="vision", items=(item,)))))
    assert isinstance(batch, Batch)
    with pytest.raises(msgspec.ValidationError, match="<= 10"):
        msgspec.msgpack.decode(batch.items[0].request, type=ClassifyRequest)


def test_nothing_that_shows_an_upload_is_kept() -> None:
    assert ClassifyRequest(image=b"photo", top=3).without_uploads() == ClassifyRequest(image=b"", top=3)
    seen = Prediction(label="cat", confidence=0.5, heat_map=b"photo")
    kept = Classification(predictions=(seen,), sure=True).without_uploads()
    assert b"photo" not in msgspec.msgpack.encode(kept)
