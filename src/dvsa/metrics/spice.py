"""SPICE (Anderson et al. 2016) through its own Java program, if somebody has it.

The program finds objects, attributes and relations in a caption and in its references, and gives the F score
of the two sets. It is `spice-1.0.jar` with a folder `lib`; that needs Stanford CoreNLP 3.6.0 and its models,
which are downloaded separately. Neither is part of this package.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dvsa.arrays import Doubles
from dvsa.metrics.ptb import tokenise

TIMEOUT = 3600.0
"""In seconds; 1,000 photographs with five references take about a quarter of this."""


def spice(
    references: Mapping[str, Sequence[str]],
    hypotheses: Mapping[str, str],
    folder: Path,
    *,
    timeout: float = TIMEOUT,
) -> Doubles:
    """The F score in [0, 1] of each of K photographs, in the order of the references; its mean is SPICE.

    Captions are tokenised as for the other metrics. A caption without a word, or in which the program finds
    nothing, scores 0.

    Args:
        references: sentences by photograph.
        hypotheses: one sentence for each of these photographs.
        folder: the folder of the jar, or the jar itself.
        timeout: in seconds.

    Raises:
        ValueError: Java or the jar is missing, the program fails or takes too long, or its answer has no
            score for a photograph. The message names the jar.

    >>> spice({"1.jpg": ["a dog"]}, {"1.jpg": "a dog"}, Path("no such folder"))
    Traceback (most recent call last):
    ...
    ValueError: no such folder has no spice-*.jar: name the folder of SPICE's jar
    """
    java, jar = program(folder)
    said = {photo: " ".join(tokenise(hypotheses[photo])) for photo in references}
    questions = [
        {"image_id": number, "test": said[photo], "refs": [" ".join(tokenise(s)) for s in sentences]}
        for number, (photo, sentences) in enumerate(references.items())
        if said[photo]
    ]
    f_K = np.zeros(len(references))
    if questions:
        answer = _run(java, jar, questions, timeout)
        numbers = [int(str(question["image_id"])) for question in questions]
        f_K[numbers] = _scores(answer, numbers, list(references), jar)
    return f_K


def program(folder: Path) -> tuple[str, Path]:
    """Java, and the jar in a folder; call it before long work whose result SPICE will judge.

    Raises:
        ValueError: one of them is missing.

    >>> program(Path("no such folder"))
    Traceback (most recent call last):
    ...
    ValueError: no such folder has no spice-*.jar: name the folder of SPICE's jar
    """
    jar, java = _jar(folder), shutil.which("java")
    if java is None:
        raise ValueError("SPICE needs Java: install a JRE, such as default-jre-headless")
    return java, jar


def _jar(folder: Path) -> Path:
    """The jar in a folder."""
    if folder.suffix == ".jar" and folder.is_file():
        return folder.resolve()
    jars = sorted(folder.glob("spice-*.jar"))
    if len(jars) != 1:
        names = ", ".join(jar.name for jar in jars)
        reason = (
            f"has several: {names}: name one"
            if jars
            else "has no spice-*.jar: name the folder of SPICE's jar"
        )
        raise ValueError(f"{folder} {reason}")
    return jars[0].resolve()


def _run(java: str, jar: Path, questions: Sequence[object], timeout: float) -> object:
    """The answer of the program, as JSON."""
    with tempfile.TemporaryDirectory() as place:
        asked, answered = Path(place, "captions.json"), Path(place, "scores.json")
        asked.write_text(json.dumps(questions), encoding="ascii")
        command = [java, "-Xmx8G", "-Dfile.encoding=UTF-8", "-jar", str(jar), str(asked)]
        try:
            done = subprocess.run(
                [*command, "-out", str(answered), "-silent"],
                cwd=jar.parent,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            raise ValueError(
                f"{jar} gave no scores in {timeout:g} seconds: score fewer photographs"
            ) from None
        except OSError as error:
            raise ValueError(f"{jar} does not run: {error}") from error

        if done.returncode or not answered.is_file():
            raise ValueError(f"{jar} failed: {_reason(done.stderr or done.stdout)}")
        try:
            return json.loads(answered.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{jar} gave scores that are not JSON ({error})") from error


def _reason(output: str) -> str:
    """Why the program failed, from what it printed."""
    if "edu/stanford/nlp" in output or "edu.stanford.nlp" in output:
        return "put Stanford CoreNLP 3.6.0 into the folder lib beside it: its jar and the jar of its models"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    failures = [line for line in lines if "Exception" in line or "Error" in line]
    return (failures or lines or ["it gave no reason"])[0]


def _scores(answer: object, numbers: Sequence[int], photos: Sequence[str], jar: Path) -> list[float]:
    """The F score of each of these photographs."""
    entries = [entry for entry in answer if isinstance(entry, dict)] if isinstance(answer, list) else []
    found = {str(entry.get("image_id")): entry for entry in entries}
    f_scores = []
    for number in numbers:
        f_score = _f_score(found.get(str(number)))
        if f_score is None:
            raise ValueError(f"{jar} gave no score in [0, 1] for photograph {photos[number]!r}")
        f_scores.append(f_score)
    return f_scores


def _f_score(value: object) -> float | None:
    """The F score in the answer for a photograph; None if there is none."""
    for key in ("scores", "All", "f"):
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    if value is None or value != value:  # not a number: there is nothing that can be compared
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)
