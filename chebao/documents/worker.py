"""``python -m chebao.documents.worker``: reads pictures with the OCR, a path a line in, the lines found as JSON a line out.

A process of its own: the models take some 400 MB and their work would hold up everything else; `reader.Reader` ends it when idle.
"""

from __future__ import annotations

import json
import logging
import sys

from PIL import Image

_LONGEST_SIDE = 1200
_PARAMETERS = {
    "Global.use_cls": False,  # pictures were turned upright when they were stored
    "Det.limit_type": "max",
    "Det.limit_side_len": 736,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
}
"""One licence on two busy cores: 1.5 s and every line of it; with the package's defaults 4.2 s and the same lines."""


def main() -> None:
    """Answers until the input ends."""
    from rapidocr import RapidOCR

    logging.disable(logging.WARNING)
    engine = RapidOCR(params=_PARAMETERS)
    for path in sys.stdin:
        print(json.dumps(_lines(engine, path.rstrip("\n")), ensure_ascii=False), flush=True)


def _lines(engine: object, path: str) -> list[list[object]]:
    """Each piece of text as ``[text, score, left, top, height]``."""
    import numpy as np

    with Image.open(path) as picture:
        small = picture.convert("RGB")
    small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    found = engine(np.asarray(small)[:, :, ::-1])  # type: ignore[operator]
    if found.txts is None:
        return []
    return [
        [text, float(score), float(box[:, 0].min()), float(box[:, 1].min()), float(box[:, 1].max() - box[:, 1].min())]
        for text, score, box in zip(found.txts, found.scores, found.boxes, strict=True)
    ]


if __name__ == "__main__":
    main()
