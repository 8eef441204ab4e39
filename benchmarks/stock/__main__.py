"""Stock Rasa: ``python -m benchmarks.stock train | parse``.

``train`` makes the environment and the model when they are missing or the data changed (state in `.chebao/stock/`).
``parse`` reads one JSON text a line (``{"text": …}`` or a bare string) from the standard input and writes
``{text, intent: {name, confidence}, entities, ms}`` a line.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.stock import runtime


def main() -> int:
    """Runs one command and returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stock", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("train")
    commands.add_parser("parse")
    options = parser.parse_args()
    try:
        trained = runtime.train()
        if options.command == "parse":
            return runtime.parse()
        print(f"Stock model: {trained['model']} (trained in {trained['training_s']:.0f} s)")
        return 0
    except runtime.StockFailed as reason:
        print(f"Stock Rasa: {reason}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
