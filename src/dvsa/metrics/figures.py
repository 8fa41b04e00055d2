"""Figures with their intervals, and reports of figures with the settings behind them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

Setting = str | int | float | None
"""The value of a setting in a report."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and the ends of its 95% interval.

    >>> print(Figure(42.4, 39.4, 45.4))
    42.4 [39.4, 45.4]
    >>> print(Figure(14.8), Figure(None))
    14.8 missing
    """

    value: float | None
    """None if it could not be computed, such as METEOR without Java."""
    low: float | None = None
    """None if there is no interval."""
    high: float | None = None

    def __str__(self) -> str:
        return f"{number(self.value)} [{number(self.low)}, {number(self.high)}]" if self.ends else self.shown

    @property
    def shown(self) -> str:
        """The value to one decimal, or `missing`.

        >>> Figure(42.44, 39.4, 45.4).shown, Figure(None).shown
        ('42.4', 'missing')
        """
        return number(self.value)

    @property
    def interval(self) -> str:
        """Both ends as text; empty if there is no interval.

        >>> Figure(42.44, 39.4, 45.4).interval, Figure(42.44).interval
        ('39.4 – 45.4', '')
        """
        return " – ".join(map(number, self.ends))

    @property
    def ends(self) -> list[float]:
        """Both ends of the interval; empty if there is none.

        >>> Figure(42.44, 39.4, 45.4).ends, Figure(42.44).ends
        ([39.4, 45.4], [])
        """
        return [] if self.low is None or self.high is None else [self.low, self.high]


@dataclass(frozen=True, slots=True)
class Report:
    """Named figures, how many things were judged, and the settings behind them.

    `str(report)` is a table in plain text. `to_json` is the format of `--json` and of the files that
    `dvsa evaluate --out` writes.

    >>> report = Report({"R@1": Figure(42.4, 39.4, 45.4)}, {"photos": 1000}, {"proposer": "coverage"})
    >>> print(report)
    Figure  Value  95% interval
    R@1      42.4   39.4 – 45.4
    photos   1000
    <BLANKLINE>
    settings: proposer coverage
    >>> report.to_json()
    {'R@1': 42.4, 'ci95': {'R@1': [39.4, 45.4]}, 'photos': 1000, 'settings': {'proposer': 'coverage'}}
    >>> Report.from_json(report.to_json()) == report
    True
    """

    figures: Mapping[str, Figure]
    counts: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)
    parts: Mapping[str, "Report"] = field(default_factory=dict)
    """Reports that belong to this one, such as both directions of a ranking."""
    signatures: Mapping[str, str] = field(default_factory=dict)
    """What makes the figures of a metric comparable (see `signature`), by the beginning of their names."""

    def with_settings(self, **settings: Setting) -> "Report":
        """The report with more settings after its own.

        >>> Report({}, settings={"beam": 10}).with_settings(rerank=0.15).settings
        {'beam': 10, 'rerank': 0.15}
        """
        return replace(self, settings={**self.settings, **settings})

    def flat(self) -> dict[str, Figure]:
        """Every figure; the name of a part's figure begins with the name of the part.

        >>> part = Report({"R@1": Figure(42.4)})
        >>> list(Report({"CIDEr": Figure(69.3)}, parts={"frame": part}).flat())
        ['CIDEr', 'frame: R@1']
        """
        found = dict(self.figures)
        for name, part in self.parts.items():
            found |= {f"{name}: {figure}": value for figure, value in part.flat().items()}
        return found

    def to_json(self) -> dict[str, object]:
        """The report as JSON values: figures and counts by name, intervals in `ci95`, settings, and parts.

        A report that has only parts, such as a ranking, has the intervals of its parts in its own `ci95`.

        >>> part = Report({"R@1": Figure(42.4, 39.4, 45.4)})
        >>> Report({}, {"photos": 9}, parts={"frame": part}).to_json()
        {'frame': {'R@1': 42.4}, 'photos': 9, 'ci95': {'frame': {'R@1': [39.4, 45.4]}}}
        """
        parts = {name: part.to_json() for name, part in self.parts.items()}
        settings: dict[str, object] = {"settings": dict(self.settings)} if self.settings else {}
        settings |= {"signatures": dict(self.signatures)} if self.signatures else {}
        if parts and not self.figures:
            ends = {name: part.pop("ci95") for name, part in parts.items() if "ci95" in part}
            return {**parts, **self.counts, **({"ci95": ends} if ends else {}), **settings}

        intervals = {name: figure.ends for name, figure in self.figures.items() if figure.ends}
        return {
            **{name: figure.value for name, figure in self.figures.items()},
            **({"ci95": intervals} if intervals else {}),
            **self.counts,
            **settings,
            **parts,
        }

    @classmethod
    def from_json(cls, values: object) -> "Report":
        """Read what `to_json` gives, or a file that an older version wrote.

        A whole number without an interval is a count.

        Raises:
            ValueError: a value is not a figure, a count, a mapping of settings or a part.

        >>> report = Report.from_json({"R@1": 42.4, "ci95": {"R@1": [39.4, 45.4]}, "photos": 1000})
        >>> print(report.figures["R@1"], report.counts)
        42.4 [39.4, 45.4] {'photos': 1000}
        """
        values = _mapping("the content", values)
        intervals = _mapping("ci95", values.get("ci95", {}))
        settings = _mapping("settings", values.get("settings", {}))
        signatures = _mapping("signatures", values.get("signatures", {}))
        figures: dict[str, Figure] = {}
        counts: dict[str, int] = {}
        parts: dict[str, Report] = {}

        for name, value in values.items():
            if name in ("ci95", "settings", "signatures"):
                continue
            ends = intervals.get(name)
            if isinstance(value, Mapping):
                parts[name] = cls.from_json({**value, "ci95": ends} if isinstance(ends, Mapping) else value)
            elif isinstance(value, int) and ends is None:
                counts[name] = value
            else:
                figures[name] = _figure(name, value, ends)
        return cls(
            figures,
            counts,
            {name: _setting(name, value) for name, value in settings.items()},
            parts,
            {name: str(value) for name, value in signatures.items()},
        )

    def __str__(self) -> str:
        rows = [("Figure", "Value", "95% interval"), *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [
            f"{name:{widths[0]}}  {value:>{widths[1]}}  {interval:>{widths[2]}}".rstrip()
            for name, value, interval in rows
        ]
        return "\n".join([*lines, *self._settings()])

    def _rows(self, above: str = "") -> Iterator[tuple[str, str, str]]:
        """Name, value and interval of every figure and count."""
        for name, figure in self.figures.items():
            yield f"{above}{name}", figure.shown, figure.interval
        for name, part in self.parts.items():
            yield from part._rows(f"{above}{name}: ")
        for name, count in self.counts.items():
            yield f"{above}{name}", str(count), ""

    def _settings(self, above: str = "") -> Iterator[str]:
        """A line for the settings of this report and of each part, after a blank line."""
        if self.settings:
            yield f"\n{above}settings: {', '.join(f'{key} {value}' for key, value in self.settings.items())}"
        if self.signatures:
            yield "\n" + "\n".join(f"{above}{signature}" for signature in self.signatures.values())
        for name, part in self.parts.items():
            yield from part._settings(f"{above}{name}: ")


def signature(metric: str, **settings: Setting) -> str:
    """What makes a figure comparable with others, in one line, as sacreBLEU writes it.

    >>> signature("CIDEr", tok="ptb", refs=5, version="0.1.0")
    'CIDEr|tok:ptb|refs:5|version:0.1.0'
    """
    return "|".join([metric, *(f"{name}:{value}" for name, value in settings.items())])


def number(value: float | None) -> str:
    """A number to one decimal; None is `missing`.

    >>> number(42.44), number(None)
    ('42.4', 'missing')
    """
    return "missing" if value is None else f"{value:.1f}"


def _mapping(name: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} of a report must be an object, not {value!r}")
    return value


def _figure(name: str, value: object, ends: object) -> Figure:
    if value is not None and not isinstance(value, int | float):
        raise ValueError(f"{name!r} is not a figure: {value!r}")
    if ends is None:
        return Figure(value)
    if not (isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, int | float) for end in ends)):
        raise ValueError(f"the interval of {name!r} must be a list of two numbers, not {ends!r}")
    return Figure(value, *ends)


def _setting(name: str, value: object) -> Setting:
    if value is not None and not isinstance(value, str | int | float):
        raise ValueError(f"the setting {name!r} must be a string or a number, not {value!r}")
    return value
