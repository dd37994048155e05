"""Makes the files of bot/data: word-piece vectors distilled from an Apache-2.0 sentence encoder.

    python -m benchmarks.distil_table MODEL.onnx TOKENIZER.json OUT_FOLDER     (numpy, onnxruntime, tokenizers)

MODEL and TOKENIZER are those of all-MiniLM-L6-v2. Every piece goes through the encoder alone; the rows are centred,
turned onto their main axes and weighted down where they are frequent. A text is the sum of its pieces.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 256
#: Whole words begin near this id of the vocabulary and are roughly ordered by frequency.
FIRST_WORD = 1996
#: Smoothing of the inverse-frequency weight: larger forgives frequent words more.
SMOOTH = 1e-3

Floats = NDArray[np.float32]


def main(model: str, tokenizer: str, folder: str) -> None:
    """Write the table and its vocabulary."""
    vocabulary = json.loads(Path(tokenizer).read_text(encoding="utf-8"))["model"]["vocab"]
    ids = np.array([i for piece, i in vocabulary.items() if is_useful(piece)])
    pieces = [piece for piece in vocabulary if is_useful(piece)]
    rows = encode(model, ids, vocabulary["[CLS]"], vocabulary["[SEP]"])
    table = turn(rows - rows.mean(0)) * weight(ids, len(vocabulary))[:, None]
    write(Path(folder), pieces, table.astype(np.float32))
    np.save(Path(folder) / "ids.npy", ids.astype(np.uint16))  # the encoder's own numbers, for bot/encoders.py


def is_useful(piece: str) -> bool:
    """Return whether a piece is Latin text, a digit or a sign that questions hold."""
    bare = piece.removeprefix("##")
    return not bare.startswith("[") and all(ord(c) < 0x250 for c in bare)


def encode(model: str, ids: NDArray[Any], begin: int, end: int) -> Floats:
    """Return the encoder's mean vector of every single piece, one row each."""
    import onnxruntime

    run = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in run.get_inputs()]
    rows = []
    for part in np.array_split(ids, max(1, len(ids) // 256)):
        tokens = np.stack([np.full_like(part, begin), part, np.full_like(part, end)], 1).astype(np.int64)
        feed = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.zeros_like(tokens),
        }
        out = run.run(None, {name: value for name, value in feed.items() if name in names})[0]
        rows.append(out.mean(1) if out.ndim == 3 else out)
    return np.concatenate(rows).astype(np.float32)


def turn(rows: Floats) -> Floats:
    """Return the rows on the axes that carry most of their variance."""
    axes = np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :DIMENSIONS]
    return np.asarray(rows @ axes, np.float32)


def weight(ids: NDArray[Any], size: int) -> Floats:
    """Return a smoothed inverse frequency from the rank in the vocabulary (Arora et al. 2017)."""
    frequency = 1 / (np.maximum(1, np.arange(size) - FIRST_WORD + 1) + 2.7)
    frequency /= frequency.sum()
    return np.asarray(SMOOTH / (SMOOTH + frequency[ids]), np.float32)


def write(folder: Path, pieces: list[str], table: Floats) -> None:
    """Write int8 rows with one scale for all, and the pieces one a line."""
    scale = np.abs(table).max(1, keepdims=True) / 127 + 1e-12
    np.save(folder / "pieces.npy", np.round(table / scale).astype(np.int8))
    np.save(folder / "scales.npy", scale[:, 0].astype(np.float16))
    (folder / "pieces.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:4])
