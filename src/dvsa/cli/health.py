"""`dvsa doctor`: check the installation."""

from dataclasses import asdict

import typer

from dvsa.cli.options import AsJson, ModelBundle
from dvsa.cli.output import print_json, show, table


def doctor(bundle: ModelBundle = None, as_json: AsJson = False) -> None:
    """Check the installation.

    Checks the versions of packages, the bundle's digests, and the caption of a known picture. The exit code
    is 2 if something is wrong.

    Example: `dvsa doctor`
    """
    from dvsa.doctor import examine

    checks = examine(bundle)
    ok = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": ok, "checks": [asdict(check) for check in checks]})
    else:
        found = table("Check", "", "Found")
        for check in checks:
            found.add_row(check.name, "ok" if check.ok else "WRONG", check.detail)
        show(found, "\nAll is well." if ok else "\nSomething is wrong.")
    if not ok:
        raise typer.Exit(2)
