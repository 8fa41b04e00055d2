"""Builds site/: the page of `dvsa serve` as static files, with the model in the browser in place of a server.

Usage: python runs/build_site.py [--out site] [--bundle FOLDER]

It needs no package of Python, and onnxruntime-web in node_modules/, which `make site` installs from
package-lock.json. Files of the model are compressed; files.json has the digest of each. docs/site.md
describes the result.
"""

import argparse
import gzip
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = ROOT / "src" / "dvsa"
STATIC: Final = PACKAGE / "web" / "static"
RUNTIME: Final = ROOT / "node_modules" / "onnxruntime-web"
WASM: Final = "ort-wasm-simd-threaded.wasm"
SCRIPTS: Final = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs")
UNUSED: Final = (
    "LICENCE.txt",
    "photographs.tsv",
    "read.tsv",
    "background.npy",
    "replay.safetensors",
    "README.md",
)
"""Files of a bundle that the page does not read."""

POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self' blob: data:; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'"
)
HEAD: Final = f"""
  <meta http-equiv="Content-Security-Policy" content="{POLICY}">
  <meta name="description" content="Which words belong to which part of a photograph?">
  <meta name="theme-color" content="#1d2430">
  <link rel="manifest" href="app.webmanifest">
  <link rel="apple-touch-icon" href="static/icons/icon-192.png">
  <link rel="stylesheet" href="static/engine/tab.css">"""


def main() -> None:
    """Build the site, and print what it weighs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "site")
    parser.add_argument("--bundle", type=Path, default=PACKAGE / "weights" / "flickr8k")
    given = parser.parse_args()
    if not RUNTIME.is_dir():
        sys.exit("node_modules has no onnxruntime-web: run `make site`, which installs it with npm")
    build(given.out, given.bundle)

    files = json.loads((given.out / "files.json").read_text())
    model = sum(file["packed"] for file in files["files"].values())
    shell = sum((given.out / path).stat().st_size for path in files["shell"] if path != "./")
    print(f"{given.out}: {model / 1e6:.1f} MB for the model, {shell / 1e6:.1f} MB for the page")


def build(out: Path, bundle: Path) -> None:
    """Write the site to a new folder, in place of an older one."""
    if out.exists() and any(out.iterdir()) and not (out / "files.json").is_file():
        sys.exit(f"{out} is no site that this script has built: remove it, or give another folder with --out")
    shutil.rmtree(out, ignore_errors=True)
    _copy_page(out)
    files = _copy_model(out / "model", bundle)

    manifest = (bundle / "manifest.json").read_bytes()
    shell = [
        "./",
        "files.json",
        *sorted(_paths(out) - {f"model/{name}.gz" for name in files} - {"index.html"}),
    ]
    listed = {
        "model": {"name": json.loads(manifest)["name"], "digest": hashlib.sha256(manifest).hexdigest()},
        "samples": _samples(),
        "files": files,
        "shell": shell,
    }
    (out / "files.json").write_text(json.dumps(listed, indent=1) + "\n")

    # The version is that of all files, so that a browser takes a new one only if something has changed.
    digest = hashlib.sha256()
    for path in sorted(_paths(out)):
        digest.update(path.encode() + b"\0" + hashlib.sha256((out / path).read_bytes()).digest())
    worker = (STATIC / "engine" / "service_worker.js").read_text("utf-8")
    (out / "sw.js").write_text(_replaced(worker, '"development"', f'"{digest.hexdigest()[:16]}"'))


def _paths(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


def _copy_page(out: Path) -> None:
    """The files of the page, with addresses that work in any folder, and what makes them an app."""
    shutil.copytree(STATIC, out / "static")
    (out / "static" / "index.html").unlink()
    (out / "static" / "engine" / "service_worker.js").unlink()
    for path in out.rglob("*.js"):
        path.write_text(re.sub(r"(?<=[\"'`])/static/", "static/", path.read_text("utf-8")), "utf-8")

    page = (STATIC / "index.html").read_text("utf-8")
    page = _replaced(page, '<html lang="en">', '<html lang="en" data-engine="tab">')
    page = _replaced(page, '<meta charset="utf-8">', f'<meta charset="utf-8">{HEAD}')
    (out / "index.html").write_text(page.replace('="/static/', '="static/'), "utf-8")
    (out / "app.webmanifest").write_text(json.dumps(_app(), indent=1) + "\n")

    for folder in ("lists", "ort"):
        (out / "static" / folder).mkdir()
    for name in ("classes.tsv", "things.txt"):
        shutil.copy(PACKAGE / name, out / "static" / "lists")
    for name in SCRIPTS:
        shutil.copy(RUNTIME / "dist" / name, out / "static" / "ort")


def _replaced(text: str, old: str, new: str) -> str:
    """The text with one part replaced; the page must have it."""
    if text.count(old) != 1:
        sys.exit(f"the page has {text.count(old)} times {old!r}, not once: adapt runs/build_site.py to it")
    return text.replace(old, new)


def _app() -> dict[str, Any]:
    """What makes the page an app that can be installed."""
    icons = [
        {
            "src": f"static/icons/icon-{side}.png",
            "sizes": f"{side}x{side}",
            "type": "image/png",
            "purpose": purpose,
        }
        for side in (192, 512)
        for purpose in ("any", "maskable")
    ]
    return {
        "name": "dvsa: which words describe which part",
        "short_name": "dvsa",
        "description": "Regions, captions and word-to-region alignments of photographs, in this tab.",
        "id": "./",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": "#f8f6f2",
        "theme_color": "#1d2430",
        "icons": icons,
    }


def _samples() -> list[dict[str, str | None]]:
    """The sample photographs, as /api/samples lists them."""
    told = json.loads((STATIC / "samples" / "samples.json").read_text("utf-8"))
    as_record = {name: one if isinstance(one, dict) else {"title": one} for name, one in told.items()}
    return [{"name": name, "title": one["title"], "note": one.get("note")} for name, one in as_record.items()]


def _copy_model(out: Path, bundle: Path) -> dict[str, dict[str, int | str]]:
    """The files of the model and its runtime, compressed; their sizes and digests."""
    out.mkdir(parents=True)
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    for name in ("manifest.json", "LICENCE.txt"):
        if (bundle / name).is_file():
            shutil.copy(bundle / name, out)
    records: dict[str, dict[str, int | str]] = {}
    for name in [*manifest["files"], WASM]:
        if name in UNUSED:
            continue
        content = (RUNTIME / "dist" / WASM if name == WASM else bundle / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if name != WASM and digest != manifest["files"][name]["sha256"]:
            sys.exit(f"{bundle / name} is damaged: its manifest has another SHA-256; export the bundle again")
        packed = gzip.compress(content, 9, mtime=0)
        (out / f"{name}.gz").write_bytes(packed)
        records[name] = {"bytes": len(content), "sha256": digest, "packed": len(packed)}
    return records


if __name__ == "__main__":
    main()
