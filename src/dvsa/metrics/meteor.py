"""METEOR 1.5 (Denkowski and Lavie 2014) through its own Java program, if Java and the jar are installed.

The jar aligns each sentence with its references, using its synonyms and paraphrases. The score is arithmetic
on the resulting counts; it is done here, so that photographs can be resampled without Java.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from dvsa.arrays import Doubles
from dvsa.metrics.ngrams import Tokens

_COLUMNS = 23
_MODULE_WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])  # exact, stem, synonym, paraphrase
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75  # the published parameters for English


def meteor(counts_23: Doubles) -> float:
    """The score in [0, 1] from the summed `meteor_statistics`.

    Two hypotheses of four words in all, each equal to its reference, have no fragments and score 1:

    >>> counts_23 = np.zeros(23)
    >>> counts_23[[0, 1, 4, 5, 21, 22]] = 4
    >>> meteor(counts_23)
    1.0
    """
    our_length, their_length, our_function, their_function = counts_23[:4]
    chunks, our_matches, their_matches = counts_23[20:]
    matched_2 = _MODULE_WEIGHTS @ (
        _DELTA * counts_23[4:20].reshape(4, 4)[:, :2] + (1 - _DELTA) * counts_23[4:20].reshape(4, 4)[:, 2:]
    )
    if not matched_2.all():
        return 0.0
    precision = matched_2[0] / (_DELTA * (our_length - our_function) + (1 - _DELTA) * our_function)
    recall = matched_2[1] / (_DELTA * (their_length - their_function) + (1 - _DELTA) * their_function)
    f_mean = precision * recall / (_ALPHA * precision + (1 - _ALPHA) * recall)
    penalty = _GAMMA * (2 * chunks / (our_matches + their_matches)) ** _BETA
    return float(f_mean * (1 - penalty))


def meteor_statistics(
    references_K: Sequence[Sequence[Tokens]], hypotheses_K: Sequence[Tokens], *, timeout: float = 600.0
) -> tuple[Doubles | None, str]:
    """The jar's 23 counts for each photograph (K × 23), or None, and a note.

    The counts: lengths and function words of hypothesis and best reference (4); for each of four modules the
    matched content words and function words of both (16); chunks; matched words of both. The note names the
    jar, or says what is missing or what failed. Takes about 10 seconds, mostly to load the paraphrases.

    >>> counts_K23, note = meteor_statistics([["a dog".split()]], ["a dog".split()], timeout=0)
    >>> counts_K23 is None, note.startswith("METEOR ")
    (True, True)
    """
    java, jar = shutil.which("java"), _jar()
    if java is None or jar is None:
        missing = "Java" if java is None else "meteor-1.5.jar"
        return (
            None,
            f"METEOR needs {missing}: install a JRE and pycocoevalcap, or set DVSA_METEOR_JAR to the jar",
        )
    command = [java, "-Xmx2G", "-Dfile.encoding=UTF-8", "-jar", str(jar)]
    command += ["-", "-", "-stdio", "-l", "en", "-norm"]

    lines = [
        " ||| ".join(["SCORE", *(" ".join(tokens) for tokens in references), " ".join(hypothesis)])
        for references, hypothesis in zip(references_K, hypotheses_K, strict=True)
    ]

    try:
        done = subprocess.run(
            command,
            input="\n".join(lines) + "\n",
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=True,
        )
        counts_K23 = np.array(
            [[float(number) for number in line.split()] for line in done.stdout.splitlines()]
        )
        counts_K23 = counts_K23.reshape(len(lines), _COLUMNS)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return None, f"METEOR is missing because {jar} failed: {str(error).splitlines()[0]}"

    # A hypothesis equal to its reference has no fragments: its chunks count as 0, as in the jar's own sums.
    whole_K = (counts_K23[:, 20] == 1) & (counts_K23[:, 21:] == counts_K23[:, :2]).all(axis=1)
    counts_K23[whole_K, 20] = 0
    return counts_K23, f"METEOR by {jar.name}"


def available() -> bool:
    """Whether Java and the jar are both installed.

    >>> available() in (True, False)
    True
    """
    return shutil.which("java") is not None and _jar() is not None


def _jar() -> Path | None:
    """The jar that `DVSA_METEOR_JAR` names, else the one of pycocoevalcap."""
    named = os.environ.get("DVSA_METEOR_JAR")
    if named:
        return Path(named) if Path(named).is_file() else None
    package = find_spec("pycocoevalcap")
    folders = package.submodule_search_locations if package else None
    jars = [Path(folder) / "meteor" / "meteor-1.5.jar" for folder in folders or ()]
    return next((jar for jar in jars if jar.is_file()), None)
