"""The evaluation finds its pictures, ranks the right class and prints a table."""

from __future__ import annotations

import itertools
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from models.vision import evaluate
from models.vision.evaluate import Outcome, find_pictures, nonsense, report
from models.vision.predictor import VisionPredictor
from tests.models.vision.conftest import PICTURES

if TYPE_CHECKING:
    from pathlib import Path

LABELS = {0: "apple", 1: "pear"}


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_folders_are_named_by_label_or_index(tmp_path: Path) -> None:
    put(tmp_path, "apple/a.jpg", "1/b.jpg")
    found = [(path.name, right) for path, right in find_pictures(tmp_path, LABELS)]
    assert found == [("b.jpg", 1), ("a.jpg", 0)]


def test_a_folder_for_every_class_may_have_names_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, "n01/a.jpg", "n02/b.jpg")
    assert [right for _, right in find_pictures(tmp_path, LABELS)] == [0, 1]


def test_a_table_names_files_and_classes(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text("file,class\nx/a.jpg,pear\nb.jpg,0\n", encoding="utf-8")
    assert find_pictures(tmp_path / "set.csv", LABELS) == [(tmp_path / "x/a.jpg", 1), (tmp_path / "b.jpg", 0)]


def test_an_unknown_class_is_named(tmp_path: Path) -> None:
    put(tmp_path, "quince/a.jpg")
    with pytest.raises(ValueError, match="'quince'"):
        find_pictures(tmp_path, LABELS)


def test_the_report_splits_by_sureness() -> None:
    text = report(
        [
            Outcome(rank=0, confidence=0.9, prominence=9.5, sure=True),
            Outcome(rank=3, confidence=0.25, prominence=6.0, sure=False),
        ]
    )
    assert "top-1 50.0%" in text
    assert "top-5 100.0%" in text
    [line] = [line for line in text.splitlines() if line.startswith("as configured")]
    assert line.split()[2:] == ["50.0%", "100.0%", "0.0%"]


def test_the_command_counts_sure_answers_to_nonsense(
    predictor: VisionPredictor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(VisionPredictor, "load", lambda *_: predictor)
    monkeypatch.setattr(evaluate, "nonsense", lambda: itertools.islice(nonsense(), 2))
    monkeypatch.setattr(sys, "argv", ["evaluate", "--nonsense"])
    evaluate.main()
    assert capsys.readouterr().out == "sure of 0 of 2 pictures that show nothing\n"
    assert len(list(nonsense())) == 136


def test_the_command_prints_the_accuracy(
    tmp_path: Path,
    predictor: VisionPredictor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(tmp_path, "espresso/empty.jpg", "Egyptian Mau/.keep")
    shutil.copy(PICTURES / "coffee.jpg", tmp_path / "espresso")
    shutil.copy(PICTURES / "chelsea.jpg", tmp_path / "Egyptian Mau")
    monkeypatch.setattr(VisionPredictor, "load", lambda *_: predictor)
    monkeypatch.setattr(sys, "argv", ["evaluate", str(tmp_path)])
    evaluate.main()
    printed = capsys.readouterr().out
    assert "empty.jpg: That file is empty." in printed
    assert "2 pictures\ntop-1 100.0%" in printed
