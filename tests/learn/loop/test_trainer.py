"""The training loop on a small regression: its steps, its files, and interruptions."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from dvsa.learn.loop import checkpoint, curve, trainer
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.loop.order import batch_at
from dvsa.learn.loop.trainer import train

CPU = torch.device("cpu")
COUNT = 10
SEED = 1
BATCHES: dict[int | None, list[int]] = {step: batch_at(step, COUNT, 3, SEED) for step in range(12)} | {
    None: []
}
"""The examples of each step of `config`; of the step None, no examples."""


@pytest.fixture(autouse=True)
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not draw curves: that takes longer than these trainings, and `test_curve` tests it."""
    monkeypatch.setattr(curve, "draw", lambda lines, path: path.write_bytes(b"picture"))


@dataclass
class Regression:
    """A task: fit a plane to ten points, with dropout."""

    name: str = "plane"
    goal: str = "closeness"
    recordable: bool = False
    frozen: str = "nothing"
    """The prefix of the parameters that are not trained."""
    bad_step: int | None = None
    """The step whose loss is changed by `spoil`."""
    spoil: Callable[[Tensor], Tensor] = lambda loss: loss
    figures: dict[int, float] = field(default_factory=dict)
    """Values of the goal by the number of the evaluation, from 1; the others are measured."""
    evaluations: int = 0
    batches: list[list[int]] = field(default_factory=list)
    """The batches so far."""

    def build(self) -> nn.Sequential:
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))

    def lr_scale(self, parameter: str) -> float:
        return 0.0 if parameter.startswith(self.frozen) else 0.5 if parameter.startswith("4.") else 1.0

    def __len__(self) -> int:
        return COUNT

    def points(self) -> tuple[Tensor, Tensor]:
        x_N4 = torch.randn(COUNT, 4, generator=torch.Generator().manual_seed(5))
        return x_N4, x_N4.sum(1, keepdim=True)

    def expecting(self, batches: Iterable[Sequence[int]]) -> AbstractContextManager[None]:
        return nullcontext()

    def inputs(self, model: nn.Sequential, batch: Sequence[int]) -> list[int]:
        self.batches.append(list(batch))
        return list(batch)

    def loss(self, model: nn.Sequential, inputs: list[int]) -> Tensor:
        x_N4, y_N1 = self.points()
        loss = (model(x_N4[inputs]) - y_N1[inputs]).square().mean()
        return self.spoil(loss) if inputs == BATCHES[self.bad_step] else loss

    def evaluate(self, model: nn.Sequential) -> Mapping[str, float]:
        assert not model.training
        self.evaluations += 1
        x_N4, y_N1 = self.points()
        measured = -(model(x_N4) - y_N1).square().mean().item()
        return {"closeness": self.figures.get(self.evaluations, measured)}


def config(**changes: object) -> TrainConfig:
    return replace(TrainConfig(epochs=4, batch=3, lr=0.05, warmup=3, weight_decay=0.1), **changes)  # type: ignore[arg-type]


def files(out: Path) -> dict[str, object]:
    """Everything that a training writes, except durations and the picture."""
    found: dict[str, object] = {}
    for name in ("last", "best"):
        tensors, facts = checkpoint.load(out / f"{name}.safetensors")
        for duration in ("lines", "seconds"):
            facts.pop(duration, None)
        found[name] = facts, {key: tensor.numpy().tobytes() for key, tensor in tensors.items()}

    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    found["log"] = [{key: value for key, value in line.items() if key != "seconds"} for line in lines]
    return found


def interrupt(_: Tensor) -> Tensor:
    raise KeyboardInterrupt


OPTIMIZERS = [("sgd", 0.0), ("sgd", 0.9), ("rmsprop", 0.0), ("rmsprop", 0.9), ("adamw", 0.0), ("adamw", 0.9)]


@pytest.mark.parametrize(("optimizer", "ema"), OPTIMIZERS)
def test_a_resumed_run_equals_an_unbroken_one_to_the_bit(tmp_path: Path, optimizer: str, ema: float) -> None:
    cfg = config(optimizer=optimizer, ema=ema, clip_value=0.5, clip_norm=0.4, lr=0.02)
    unbroken = train(Regression(), cfg, tmp_path / "unbroken", CPU, seed=SEED, quiet=True)
    out = tmp_path / "broken"

    for bad_step in (2, 4, 10):  # before the first checkpoint, after it, and later
        with pytest.raises(KeyboardInterrupt):
            train(Regression(bad_step=bad_step, spoil=interrupt), cfg, out, CPU, seed=SEED, quiet=True)
    resumed = train(Regression(), cfg, out, CPU, seed=SEED, quiet=True)

    assert files(out) == files(tmp_path / "unbroken")
    for name, tensor in unbroken.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name])


@pytest.mark.parametrize("bad_step", range(12))
def test_an_interruption_loses_only_the_work_since_the_last_checkpoint(tmp_path: Path, bad_step: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(Regression(bad_step=bad_step, spoil=interrupt), config(), tmp_path, CPU, seed=SEED, quiet=True)
    assert not list(tmp_path.glob("*.partial"))
    task = Regression()
    train(task, config(), tmp_path, CPU, seed=SEED, quiet=True)
    assert len(task.batches) == 12 - bad_step // 3 * 3


@pytest.mark.parametrize("bad_step", range(12))
def test_an_interrupted_epoch_goes_on_at_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad_step: int
) -> None:
    train(Regression(), config(ema=0.9), tmp_path / "unbroken", CPU, seed=SEED, quiet=True)
    monkeypatch.setattr(trainer, "KEEP_EVERY", 0.0)
    broken = Regression(bad_step=bad_step, spoil=interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(broken, config(ema=0.9), tmp_path / "broken", CPU, seed=SEED, quiet=True)
    task = Regression()
    train(task, config(ema=0.9), tmp_path / "broken", CPU, seed=SEED, quiet=True)
    assert len(task.batches) == 12 - bad_step
    assert files(tmp_path / "broken") == files(tmp_path / "unbroken")


@pytest.mark.parametrize("calls", range(1, 9))
def test_an_interruption_while_writing_leaves_no_damaged_file(
    tmp_path: Path, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write of the first two evaluations is cut off once: best, log, curve and last, in this order."""
    train(Regression(), config(), tmp_path / "unbroken", CPU, seed=SEED, quiet=True)
    left = calls

    def cut(write: Callable[..., object]) -> Callable[..., object]:
        def writing(path: Path, content: bytes | str, *args: object, **options: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                write(path, content[: len(content) // 2], *args, **options)
                raise KeyboardInterrupt
            return write(path, content, *args, **options)

        return writing

    # The interrupted training leaves whole files only.
    out = tmp_path / "broken"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", cut(Path.write_bytes))
        patch.setattr(Path, "write_text", cut(Path.write_text))
        with pytest.raises(KeyboardInterrupt):
            train(Regression(), config(), out, CPU, seed=SEED, quiet=True)
    assert not list(out.glob("*.partial"))
    for path in out.glob("*.safetensors"):
        checkpoint.load(path)

    # It continues as if nothing had happened.
    train(Regression(), config(), out, CPU, seed=SEED, quiet=True)
    assert files(out) == files(tmp_path / "unbroken")


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = train(Regression(), config(), tmp_path, CPU, seed=SEED, quiet=True)
    task = Regression()
    again = train(task, config(), tmp_path, CPU, seed=SEED, quiet=True)
    assert not task.batches
    assert torch.equal(first.state_dict()["0.weight"], again.state_dict()["0.weight"])
    assert not again.training


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("bad_step", [1, 8])
def test_a_loss_that_is_not_finite_stops_the_training(tmp_path: Path, value: float, bad_step: int) -> None:
    task = Regression(bad_step=bad_step, spoil=lambda loss: loss * value)
    with pytest.raises(ValueError, match=rf"loss .*of plane not finite at step {bad_step // 3 * 3 + 3}"):
        train(task, config(), tmp_path, CPU, seed=SEED, quiet=True)
    assert task.evaluations == bad_step // 3
    assert (tmp_path / "last.safetensors").exists() == (bad_step > 3)


def test_a_figure_that_is_not_finite_stops_the_training(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="closeness of plane not finite at step 6"):
        train(Regression(figures={2: math.nan}), config(), tmp_path, CPU, seed=SEED, quiet=True)


@pytest.mark.parametrize("figures", [{1: 1.0, 2: 3.0, 3: 2.0, 4: 3.0}, {1: -9e9, 2: -8.0, 3: -9.0, 4: -9.0}])
def test_the_best_checkpoint_is_kept_and_returned(tmp_path: Path, figures: dict[int, float]) -> None:
    best = train(Regression(figures=figures), config(), tmp_path, CPU, seed=SEED, quiet=True)
    tensors, facts = checkpoint.load(tmp_path / "best.safetensors")
    assert facts["step"] == 6
    assert facts["closeness"] == figures[2]
    shorter = train(Regression(), config(schedule="constant"), tmp_path / "other", CPU, seed=SEED, quiet=True)
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in best.state_dict().items())
    assert not torch.equal(shorter.state_dict()["0.weight"], tensors["0.weight"])
    last, _ = checkpoint.load(tmp_path / "last.safetensors")
    assert not torch.equal(last["model/0.weight"], tensors["0.weight"])


@pytest.mark.parametrize(
    ("values", "patience", "wanted"),
    [
        ([5, 4, 3, 2, 1], 2, 3),
        ([5, 4, 6, 5, 4], 2, 5),
        ([1, 2, 3, 4, 5], 1, 5),
        ([3, 3, 3, 3, 3], 2, 3),  # as good is not better
        ([5, 4, 3, 2, 1], 0, 5),
    ],
)
def test_training_ends_when_evaluations_get_no_better(
    tmp_path: Path, values: list[float], patience: int, wanted: int
) -> None:
    cfg = TrainConfig(epochs=5, batch=5, patience=patience)
    task = Regression(figures=dict(enumerate(values, 1)))
    train(task, cfg, tmp_path, CPU, quiet=True)
    assert task.evaluations == wanted
    again = Regression()
    train(again, cfg, tmp_path, CPU, quiet=True)  # a finished training is not continued
    assert again.evaluations == 0


def test_the_log_has_a_line_for_every_evaluation(tmp_path: Path) -> None:
    cfg = config(evaluate_every=3)  # of four epochs: after the third, and at the end
    train(Regression(), cfg, tmp_path, CPU, seed=SEED, quiet=True)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["step"], line["epoch"]) for line in lines] == [(9, 3.0), (12, 4.0)]
    assert [line["lr"] for line in lines] == [cfg.lr_at(8, 12), cfg.lr_at(11, 12)]
    assert {*lines[0]} == {"step", "epoch", "seconds", "loss", "lr", "closeness"}
    assert (tmp_path / "curve.png").read_bytes() == b"picture"


def test_plain_sgd_equals_a_literal_loop(tmp_path: Path) -> None:
    cfg = config(optimizer="sgd", clip_value=0.2, weight_decay=0.1, ema=0.8, schedule="cosine")
    task = Regression()
    train(task, cfg, tmp_path, CPU, seed=SEED, quiet=True)

    # The same by hand: network, running mean and momentum before the first step.
    torch.manual_seed(SEED)
    net = task.build()
    weights = dict(net.named_parameters())
    mean = {name: p.detach().clone() for name, p in weights.items()}
    momentum = {name: torch.zeros_like(p) for name, p in weights.items()}
    losses = []

    for step in range(12):
        # The gradient of the batch.
        torch.manual_seed(SEED * 1_000_003 + step)
        loss = task.loss(net.train(), BATCHES[step])
        losses.append(loss.item())
        grads = torch.autograd.grad(loss, list(weights.values()))

        # The step, with warm-up, schedule, clipping, weight decay and momentum.
        rise, fall = min(1, (step + 1) / 3), (1 + math.cos(math.pi * step / 12)) / 2
        decay = min(0.8, (2 + step) / (11 + step))
        with torch.no_grad():
            for (name, p), grad in zip(weights.items(), grads, strict=True):
                push = grad.clamp(-0.2, 0.2) + (0.1 * p if p.ndim > 1 else 0)
                momentum[name] = 0.9 * momentum[name] + push
                p.sub_(0.05 * rise * fall * task.lr_scale(name) * momentum[name])
                mean[name] = decay * mean[name] + (1 - decay) * p

    last, facts = checkpoint.load(tmp_path / "last.safetensors")
    for name, p in weights.items():
        torch.testing.assert_close(last[f"model/{name}"], p.detach(), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(last[f"mean/{name}"], mean[name], atol=1e-5, rtol=1e-5)
    match facts["lines"]:
        case [{"loss": first}, *_]:
            assert first == pytest.approx(sum(losses[:3]) / 3, rel=1e-4)
        case _:
            pytest.fail("the checkpoint has no log lines")


def test_parameters_with_a_rate_of_0_stay_unchanged(tmp_path: Path) -> None:
    task = Regression(frozen="0.")
    torch.manual_seed(1)
    before = task.build().state_dict()
    trained = train(task, config(), tmp_path, CPU, seed=SEED, quiet=True)
    assert torch.equal(trained.state_dict()["0.weight"], before["0.weight"])
    assert not torch.equal(trained.state_dict()["4.weight"], before["4.weight"])
    assert all(p.requires_grad for p in trained.parameters())  # for the next stage
    with pytest.raises(ValueError, match="plane trains no parameter"):
        train(Regression(frozen=""), config(), tmp_path / "other", CPU, seed=SEED, quiet=True)


def test_gradients_left_by_an_earlier_stage_are_ignored(tmp_path: Path) -> None:
    class Later(Regression):
        def build(self) -> nn.Sequential:
            net = super().build()
            for parameter in net.parameters():
                parameter.grad = torch.full_like(parameter, 1e6)
            return net

    cfg = config(clip_norm=0.1, optimizer="sgd")
    train(Regression(frozen="0."), cfg, tmp_path / "fresh", CPU, seed=SEED, quiet=True)
    train(Later(frozen="0."), cfg, tmp_path / "later", CPU, seed=SEED, quiet=True)
    assert files(tmp_path / "later") == files(tmp_path / "fresh")
