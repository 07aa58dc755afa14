"""Make a dataset from the example papers, offline and for free, and show three samples of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "demo_output"
DATASET = FOLDER / "dataset.jsonl"


def main() -> int:
    """Run the command as a person would; return its exit code."""
    FOLDER.mkdir(exist_ok=True)
    command = [
        sys.executable, "-m", "qwen_dataset", "generate", str(HERE / "papers"),
        "--backend", f"fake:{FOLDER / 'fake-service.jsonl'}",
        "--storage", f"file:{FOLDER / 'batch_jobs'}",
        "--output", str(DATASET),
    ]  # fmt: skip
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        return done.returncode
    samples = [json.loads(line) for line in DATASET.read_text(encoding="utf-8").splitlines()]
    papers: dict[str, dict[str, object]] = {}
    for sample in samples:
        papers.setdefault(sample["metadata"]["paper"]["source"], sample)
    for number, sample in enumerate([*papers.values(), *samples][:3], start=1):
        metadata = sample["metadata"]
        print(f"\n--- sample {number}: {metadata['paper']['title']} / {metadata['section']} ({metadata['kind']})")
        print(f"instruction: {sample['instruction']}")
        print(f"output:      {sample['output']}")
        for evidence in metadata["evidence"]:
            print(f"evidence:    [{evidence['start']}:{evidence['end']}] {evidence['quote']}")
    print(f"\nThe whole dataset, {len(samples)} samples: {DATASET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
