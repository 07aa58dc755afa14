"""`python -m qwen_dataset` is the `qwen-dataset` command."""

from .app.cli.main import main

main(prog_name="qwen-dataset")
