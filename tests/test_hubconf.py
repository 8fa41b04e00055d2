"""`torch.hub` finds the model in a checkout, whether or not the package is installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize("installed", [True, False])
def test_torch_hub_loads_the_model(installed: bool, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    code = (
        "import sys, torch\n"
        "class Hidden:\n"
        "  def find_spec(self, name, path=None, target=None):\n"
        "    if name == 'dvsa' and sys.argv[3] == 'hidden' and sys.argv[1] + '/src' not in sys.path[-1:]:\n"
        "      raise ModuleNotFoundError('dvsa', name='dvsa')\n"
        "sys.meta_path.insert(0, Hidden())\n"
        "model = torch.hub.load(sys.argv[1], 'dvsa', source='local', threads=1)\n"
        "print(model.open(sys.argv[2]).caption().text)\n"
    )
    photo = REPOSITORY / "examples" / "cat.jpg"
    mode = "installed" if installed else "hidden"
    done = subprocess.run(
        [sys.executable, "-c", code, str(REPOSITORY), str(photo), mode],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TORCH_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "a cat is sitting on a wall\n"
