"""``python -m chebao``."""

from chebao.cli import main

main()
