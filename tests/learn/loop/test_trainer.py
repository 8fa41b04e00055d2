"""The training loop on a task of a few numbers: what a step does, and what an interruption leaves."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from dvsa.learn.loop import checkpoint, curve, optimizer
from dvsa.learn.loop.config import OPTIMIZERS as NAMES
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.loop.order import batch_at, chunks, epoch_steps
from dvsa.learn.loop.trainer import train

CPU = torch.device("cpu")
COUNT = 10
BATCHES: dict[int | None, list[int]] = {step: batch_at(step, COUNT, 3, 1) for step in range(12)} | {None: []}
"""What the steps of `config` see."""


@pytest.fixture(autouse=True)
def quick_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib takes longer than all else here; what it draws is for `test_curve`."""
    monkeypatch.setattr(curve, "draw", lambda lines, path: path.write_bytes(b"picture"))


@dataclass
class Regression:
    """Fit a plane through ten points, with dropout."""

    name: str = "plane"
    goal: str = "closeness"
    fixed: str = "nothing"
    bad_step: int | None = None
    """The step at which `spoil` has its way with the loss."""
    spoil: Callable[[Tensor], Tensor] = lambda loss: loss
    figures: dict[int, float] = field(default_factory=dict)
    """Of the goal, by evaluation from 1; else it is measured."""
    evaluations: int = 0
    drawn: list[list[int]] = field(default_factory=list)

    def build(self) -> nn.Sequential:
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))

    def lr_scale(self, parameter: str) -> float:
        return 0.0 if parameter.startswith(self.fixed) else 0.5 if parameter.startswith("4.") else 1.0

    def __len__(self) -> int:
        return COUNT

    def points(self) -> tuple[Tensor, Tensor]:
        x_N4 = torch.randn(COUNT, 4, generator=torch.Generator().manual_seed(5))
        return x_N4, x_N4.sum(1, keepdim=True)

    def loss(self, model: nn.Sequential, batch: Sequence[int]) -> Tensor:
        self.drawn.append(list(batch))
        x_N4, y_N1 = self.points()
        loss = (model(x_N4[batch]) - y_N1[batch]).square().mean()
        return self.spoil(loss) if batch == BATCHES[self.bad_step] else loss

    def evaluate(self, model: nn.Sequential) -> Mapping[str, float]:
        assert not model.training
        self.evaluations += 1
        x_N4, y_N1 = self.points()
        measured = -(model(x_N4) - y_N1).square().mean().item()
        return {"closeness": self.figures.get(self.evaluations, measured)}


def config(**changes: object) -> TrainConfig:
    return replace(TrainConfig(epochs=4, batch=3, lr=0.05, warmup=3, weight_decay=0.1, seed=1), **changes)  # type: ignore[arg-type]


def files(out: Path) -> dict[str, object]:
    """All that a training leaves, but for the clock and the picture."""
    found: dict[str, object] = {}
    for name in ("last", "best"):
        tensors, facts = checkpoint.load(out / f"{name}.safetensors")
        facts.pop("lines", None)
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
    unbroken = train(Regression(), cfg, tmp_path / "unbroken", CPU, quiet=True)
    out = tmp_path / "broken"
    for bad_step in (2, 4, 10):  # before the first checkpoint, after it, and later
        with pytest.raises(KeyboardInterrupt):
            train(Regression(bad_step=bad_step, spoil=interrupt), cfg, out, CPU, quiet=True)
    resumed = train(Regression(), cfg, out, CPU, quiet=True)
    assert files(out) == files(tmp_path / "unbroken")
    for name, tensor in unbroken.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name])


@pytest.mark.parametrize("bad_step", range(12))
def test_an_interruption_loses_at_most_the_work_since_the_last_checkpoint(
    tmp_path: Path, bad_step: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(Regression(bad_step=bad_step, spoil=interrupt), config(), tmp_path, CPU, quiet=True)
    assert not list(tmp_path.glob("*.partial"))
    task = Regression()
    train(task, config(), tmp_path, CPU, quiet=True)
    assert len(task.drawn) == 12 - bad_step // 3 * 3


@pytest.mark.parametrize("calls", range(1, 9))
def test_an_interruption_while_writing_leaves_whole_files(
    tmp_path: Path, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file is cut off in its midst once: at each evaluation best, log, curve and last, in order."""
    train(Regression(), config(), tmp_path / "unbroken", CPU, quiet=True)
    left = calls

    def cut(write: Callable[..., object]) -> Callable[..., object]:
        def writing(path: Path, content: bytes | str, *args: object, **options: object) -> object:
            nonlocal left
            left -= 1
            if not left:
                write(path, content[: len(content) // 2], *args, **options)
                raise KeyboardInterrupt
            return write(path, content, *args, **options)

        return writing

    out = tmp_path / "broken"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", cut(Path.write_bytes))
        patch.setattr(Path, "write_text", cut(Path.write_text))
        with pytest.raises(KeyboardInterrupt):
            train(Regression(), config(), out, CPU, quiet=True)
    assert not list(out.glob("*.partial"))
    for path in out.glob("*.safetensors"):
        checkpoint.load(path)
    train(Regression(), config(), out, CPU, quiet=True)
    assert files(out) == files(tmp_path / "unbroken")


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = train(Regression(), config(), tmp_path, CPU, quiet=True)
    task = Regression()
    again = train(task, config(), tmp_path, CPU, quiet=True)
    assert not task.drawn
    assert torch.equal(first.state_dict()["0.weight"], again.state_dict()["0.weight"])
    assert not again.training


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("bad_step", [1, 8])
def test_a_loss_that_is_not_finite_stops_the_training(tmp_path: Path, value: float, bad_step: int) -> None:
    task = Regression(bad_step=bad_step, spoil=lambda loss: loss * value)
    with pytest.raises(ValueError, match=rf"loss .*of plane not finite at step {bad_step // 3 * 3 + 3}"):
        train(task, config(), tmp_path, CPU, quiet=True)
    assert task.evaluations == bad_step // 3
    assert (tmp_path / "last.safetensors").exists() == (bad_step > 3)


def test_a_figure_that_is_not_finite_stops_the_training(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="closeness of plane not finite at step 6"):
        train(Regression(figures={2: math.nan}), config(), tmp_path, CPU, quiet=True)


@pytest.mark.parametrize("figures", [{1: 1.0, 2: 3.0, 3: 2.0, 4: 3.0}, {1: -9e9, 2: -8.0, 3: -9.0, 4: -9.0}])
def test_the_best_checkpoint_is_kept_and_returned(tmp_path: Path, figures: dict[int, float]) -> None:
    best = train(Regression(figures=figures), config(), tmp_path, CPU, quiet=True)
    tensors, facts = checkpoint.load(tmp_path / "best.safetensors")
    assert facts["step"] == 6
    assert facts["closeness"] == figures[2]
    shorter = train(Regression(), config(schedule="constant"), tmp_path / "other", CPU, quiet=True)
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in best.state_dict().items())
    assert not torch.equal(shorter.state_dict()["0.weight"], tensors["0.weight"])
    last, _ = checkpoint.load(tmp_path / "last.safetensors")
    assert not torch.equal(last["model/0.weight"], tensors["0.weight"])


def test_the_log_tells_every_evaluation(tmp_path: Path) -> None:
    cfg = config(evaluate_every=3)  # of four epochs: after the third, and at the end
    train(Regression(), cfg, tmp_path, CPU, quiet=True)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["step"], line["epoch"]) for line in lines] == [(9, 3.0), (12, 4.0)]
    assert [line["lr"] for line in lines] == [cfg.lr_at(8, 12), cfg.lr_at(11, 12)]
    assert {*lines[0]} == {"step", "epoch", "seconds", "loss", "lr", "closeness"}
    assert (tmp_path / "curve.png").read_bytes() == b"picture"


def test_plain_sgd_equals_a_literal_loop(tmp_path: Path) -> None:
    cfg = config(optimizer="sgd", clip_value=0.2, weight_decay=0.1, ema=0.8, schedule="cosine")
    task = Regression()
    train(task, cfg, tmp_path, CPU, quiet=True)
    torch.manual_seed(cfg.seed)
    net = task.build()
    weights = dict(net.named_parameters())
    mean = {name: p.detach().clone() for name, p in weights.items()}
    momentum = {name: torch.zeros_like(p) for name, p in weights.items()}
    losses = []
    for step in range(12):
        torch.manual_seed(cfg.seed * 1_000_003 + step)
        loss = task.loss(net.train(), BATCHES[step])
        losses.append(loss.item())
        grads = torch.autograd.grad(loss, list(weights.values()))
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
            pytest.fail("there are no lines")


def test_what_has_no_learning_rate_stays_as_it_is(tmp_path: Path) -> None:
    task = Regression(fixed="0.")
    torch.manual_seed(1)
    before = task.build().state_dict()
    trained = train(task, config(), tmp_path, CPU, quiet=True)
    assert torch.equal(trained.state_dict()["0.weight"], before["0.weight"])
    assert not torch.equal(trained.state_dict()["4.weight"], before["4.weight"])
    assert all(p.requires_grad for p in trained.parameters())  # for the next stage
    with pytest.raises(ValueError, match="plane trains no parameter"):
        train(Regression(fixed=""), config(), tmp_path / "other", CPU, quiet=True)


def test_gradients_that_an_earlier_stage_left_do_not_count(tmp_path: Path) -> None:
    class Later(Regression):
        def build(self) -> nn.Sequential:
            net = super().build()
            for parameter in net.parameters():
                parameter.grad = torch.full_like(parameter, 1e6)
            return net

    cfg = config(clip_norm=0.1, optimizer="sgd")
    train(Regression(fixed="0."), cfg, tmp_path / "fresh", CPU, quiet=True)
    train(Later(fixed="0."), cfg, tmp_path / "later", CPU, quiet=True)
    assert files(tmp_path / "later") == files(tmp_path / "fresh")


def test_a_checkpoint_that_is_none_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "last.safetensors", {"x": torch.zeros(1)}, {"step": 1})
    with pytest.raises(ValueError, match=r"last\.safetensors does not say its step"):
        train(Regression(), config(), tmp_path, CPU, quiet=True)


@pytest.mark.parametrize("batch", [1, 3, 10, 50])
def test_an_epoch_sees_everything_at_most_once_and_each_epoch_anew(batch: int) -> None:
    steps = epoch_steps(COUNT, batch)
    assert steps == max(1, COUNT // batch)
    epochs = [[i for s in range(steps) for i in batch_at(e * steps + s, COUNT, batch, 0)] for e in range(3)]
    for seen in epochs:
        assert len(set(seen)) == len(seen) == min(COUNT, steps * batch)
    assert epochs[0] != epochs[1] != epochs[2]
    assert batch_at(0, COUNT, batch, 0) != batch_at(0, COUNT, batch, 1) or batch == 1
    assert batch_at(steps, COUNT, batch, 0) == batch_at(steps, COUNT, batch, 0)


def test_chunks_cover_the_range() -> None:
    assert [i for chunk in chunks(7, 3) for i in range(7)[chunk]] == list(range(7))
    assert not list(chunks(0, 3))


def test_the_learning_rate_rises_and_falls() -> None:
    cfg = TrainConfig(epochs=1, lr=2.0, warmup=4)
    assert [cfg.lr_at(step, 100) for step in (0, 1)] == pytest.approx([0.5, 1.0], rel=1e-3)
    assert cfg.lr_at(50, 100) == pytest.approx(1.0)
    assert cfg.lr_at(99, 100) < 1e-3
    assert replace(cfg, schedule="constant").lr_at(99, 100) == 2.0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"optimizer": "lion"}, "unknown optimizer 'lion': choose from adamw, rmsprop, sgd"),
        ({"schedule": "linear"}, "unknown schedule 'linear'"),
        ({"epochs": 0}, "must be positive"),
        ({"lr": 0.0}, "must be positive"),
        ({"ema": 1.0}, r"ema in \[0, 1\)"),
    ],
)
def test_bad_configurations_are_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        config(**changes)


def test_every_optimizer_of_a_configuration_can_be_built() -> None:
    assert sorted(optimizer.BUILDERS) == sorted(NAMES)
