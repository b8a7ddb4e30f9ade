"""Measure how often a gate accepts edits that do nothing, and edits that are worth 4.7 percentage points.

    python benchmarks/gate.py [--tau FILE] [--outcomes FILE] [--json FILE]

Gates: ours, as the product decides (`fixers.sequential`), with rounds added for mixed cases and with the first round
only; "score went up"; "both splits not worse" (either half of the cases); "zero regressions" (no case that mostly
passed mostly fails). All see the same first round, three trials of a hundred cases on each arm.

Generated: each case has its own chance to pass, Beta-distributed. An edit does nothing; or reshuffles (every chance
moves up or down by chance, of no use); or is worth 4.7 points, spread over all cases (the same shift of the log-odds)
or concentrated (a few hard cases repaired). Recorded: arms of FILE. Doing nothing is one arm's trials of each case,
dealt to two at random; a true edit is what the second arm did to the first, on cases drawn with replacement. More
rounds are added as long as recorded trials last.

Three trials of a hundred cases are too few to find 70 % of the spread edits: a test that is told every case's exact
chance before the edit, and so has no noise on that arm, finds 70 % (± 2) of the fitted shape. The valid tests that are
not told (plain, mid-p and randomized sums, McNemar's, powers of the gains; 1,500 edits each) find 23 to 46 %. The rest
comes from more trials of the mixed cases, or from trials paired by seed where three in four of them share their luck.

Nor do 300 runs on each arm suffice when they go where they tell most. Valid designs that stop early (exact sequential
sign tests on rounds of one trial, 600 edits each) find, spread and concentrated, at this mean number of runs per arm:
cases tried again from their first mixed round on, at most 16 rounds: 60 % at 296, 87 % at 272 (215 where the edit does
nothing); from their second, at most 12 rounds: 70 % at 431, 86 % at 430 (318); cases chosen by their expected
variance: 58 % at 297, 83 % at 292 (227). What the product does is printed below.

A FILE of outcomes has rows of case, arm, trial, passed, as CSV or JSON lines. --tau reads tau-bench's runs: domain,
task_id, trial, outcome.success. The JSON has the fitted shape (with --outcomes: the recorded arms), by rule.
"""

import argparse
import csv
import gzip
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fixers.sequential import N_ROUNDS, TRIALS_PER_ROUND, Step, look, step, unclear
from fixers.statistics import Stratum

N_CASES = 100
GAIN = 0.047
#: Edits that do nothing are tried so many times as often: 5 % needs a finer measure than 70 %.
NOTHINGS = 5
#: Standard deviation of what a reshuffling edit adds to a case's log-odds: a coin-like case moves to 38 or 62 %.
RESHUFFLE = 0.5
#: What a repaired case passes.
REPAIRED = 0.95
#: tau-bench airline, gpt-4o, 50 tasks x 4 trials, by the method of moments.
FITTED = (0.64, 0.88)
#: More alike and more unlike cases than that one's, easier ones, and the noisiest.
SHAPES = {"nearly sure cases": (0.2, 0.2), "mostly passing": (0.8, 0.2), "any chance": (1, 1), "coin-like": (4, 4)}

Passed = npt.NDArray[np.bool_]
Chances = npt.NDArray[np.float64]
#: By arm, by case: which trials passed. The first arm is the unedited one.
Outcomes = Mapping[str, Mapping[str, Sequence[bool]]]


class Pair(NamedTuple):
    """Trials of the same cases on both arms, each (n_cases, n_trials)."""

    before: Passed
    after: Passed

    def strata(self) -> list[Stratum]:
        """Return one stratum for each case."""
        n = self.before.shape[1]
        counts = zip(self.before.sum(1).tolist(), self.after.sum(1).tolist(), strict=True)
        return [Stratum(n, before, after) for before, after in counts]


#: Tries the cases of these numbers once more, in this round; the first is round 0.
More = Callable[[Sequence[int], int], Pair]


class Trial(NamedTuple):
    """What a gate decides on: the first round, and where more comes from."""

    first: Pair
    more: More | None
    n_looks: int = N_ROUNDS


def main() -> None:
    """Print one table for each kind of data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--outcomes", type=Path, help="rows of case, arm, trial, passed")
    parser.add_argument("--tau", type=Path, help="runs of tau-bench; airline is used")
    parser.add_argument("--json", type=Path, help="where to write what each rule accepts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--repetitions", type=int, default=400, help=f"edits of each kind; {NOTHINGS} times that do nothing"
    )
    arguments = parser.parse_args()
    rng, n = np.random.default_rng(arguments.seed), arguments.repetitions
    print(f"seed {arguments.seed}; Monte-Carlo error (95 %): of 5 % of {NOTHINGS * n} edits that do nothing ± ", end="")
    print(f"{_error(0.05, NOTHINGS * n):.1%}, of 70 % of {n} others ± {_error(0.7, n):.1%}")
    recorded = {path: read(path) for path, read in _files(arguments) if path}
    told = [_print_recorded(path.name, outcomes, n, rng) for path, outcomes in recorded.items()]
    fitted = next((fit_beta(outcomes) for outcomes in recorded.values()), FITTED)
    tables = {f"fitted, Beta({fitted[0]:.2f}, {fitted[1]:.2f})": fitted}
    tables |= {f"{name}, Beta{shape}": shape for name, shape in SHAPES.items()}
    generated = [_print_generated(name, shape, n, rng) for name, shape in tables.items()]
    _print_candidates(fitted, n, rng)
    if arguments.json:
        headline = told[0] if arguments.outcomes and told[0] else generated[0]
        arguments.json.write_text(json.dumps(headline, indent=2) + "\n")


def _files(arguments: argparse.Namespace) -> list[tuple[Path | None, Callable[[Path], Outcomes]]]:
    return [(arguments.outcomes, read_outcomes), (arguments.tau, read_tau)]


# Gates


def ours(trial: Trial, *, n_candidates: int = 1) -> tuple[bool, int]:
    """Return whether the product accepts, and how many runs it took."""
    rounds = {str(number): [stratum] for number, stratum in enumerate(trial.first.strata())}
    n_looks = trial.n_looks if trial.more else 1
    n_runs, number = 2 * trial.first.before.size, 1
    while (decided := step(rounds, n_looks=n_looks, n_candidates=n_candidates)) is Step.CONTINUE and trial.more:
        again = unclear(rounds)
        pair = trial.more([int(case) for case in again], number)
        n_runs, number = n_runs + 2 * pair.before.size, number + 1
        for case, stratum in zip(again, pair.strata(), strict=True):
            rounds[case].append(stratum)
    return decided is Step.ACCEPT, n_runs


def score_went_up(pair: Pair) -> bool:
    """Accept when more trials pass."""
    return bool(pair.after.sum() > pair.before.sum())


def both_splits_not_worse(pair: Pair) -> bool:
    """Accept when neither half of the cases passes less often."""
    gains = pair.after.sum(1, dtype=int) - pair.before.sum(1, dtype=int)
    return bool(gains[::2].sum() >= 0 and gains[1::2].sum() >= 0)


def zero_regressions(pair: Pair) -> bool:
    """Accept when no case that passes in most trials before fails in most after."""
    return not bool(((pair.before.mean(1) > 0.5) & (pair.after.mean(1) <= 0.5)).any())  # noqa: PLR2004  # a majority


#: By rule: does it accept?
RULES: dict[str, Callable[[Trial], bool]] = {
    "tracewright": lambda trial: ours(trial)[0],
    "tracewright, first round only": lambda trial: ours(trial._replace(more=None))[0],
    "score went up": lambda trial: score_went_up(trial.first),
    "both splits not worse": lambda trial: both_splits_not_worse(trial.first),
    "zero regressions": lambda trial: zero_regressions(trial.first),
}

# Generated data


def simulate(before: Chances, after: Chances, rng: np.random.Generator) -> Trial:
    """Return a first round of cases that pass with these chances, and the source of more."""

    def tried(cases: Sequence[int], _: int) -> Pair:
        size = (len(cases), TRIALS_PER_ROUND)
        return Pair(*(rng.random(size) < chances[list(cases), None] for chances in (before, after)))

    return Trial(tried(range(len(before)), 0), tried)


def nothing(chances: Chances, _: np.random.Generator) -> tuple[Chances, Chances]:
    """Change nothing."""
    return chances, chances


def reshuffle(chances: Chances, rng: np.random.Generator) -> tuple[Chances, Chances]:
    """Move every case's log-odds up or down by chance, on both arms alike, so that neither is the better one."""
    before, after = (_expit(_logit(chances) + rng.normal(0, RESHUFFLE, len(chances))) for _ in range(2))
    return before, after


def spread(chances: Chances, _: np.random.Generator) -> tuple[Chances, Chances]:
    """Add the same to every case's log-odds, so much that the mean rises by GAIN."""
    low, high = 0.0, 30.0
    for _step in range(40):
        middle = (low + high) / 2
        is_less = (_expit(_logit(chances) + middle) - chances).mean() < GAIN
        low, high = (middle, high) if is_less else (low, middle)
    return chances, _expit(_logit(chances) + low)


def concentrate(chances: Chances, rng: np.random.Generator) -> tuple[Chances, Chances]:
    """Repair cases that mostly fail, in random order, until the mean has risen by GAIN; the last one in part."""
    after, left = chances.copy(), GAIN * len(chances)
    for case in rng.permutation(np.flatnonzero(chances < 0.5)):  # noqa: PLR2004  # mostly fails
        after[case] += min(REPAIRED - after[case], left)
        left -= after[case] - chances[case]
    return chances, after


EDITS = {"nothing": nothing, "reshuffled": reshuffle, "spread": spread, "concentrated": concentrate}


def _print_generated(
    name: str, shape: tuple[float, float], n: int, rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    trials = {
        edit: [
            simulate(*change(rng.beta(*shape, N_CASES), rng), rng)
            for _ in range(n if edit != "nothing" else NOTHINGS * n)
        ]
        for edit, change in EDITS.items()
    }
    accepted = {rule: {edit: _share(accepts, trials[edit]) for edit in EDITS} for rule, accepts in RULES.items()}
    mean_runs = {edit: np.mean([ours(trial)[1] for trial in tried[:60]]) / 2 for edit, tried in trials.items()}
    print(f"\ngenerated: {name}, {N_CASES} cases, first round {N_CASES * TRIALS_PER_ROUND} runs on each arm")
    _print_table(accepted)
    print(f"{'mean runs on each arm':<32}" + "".join(f"{runs:>14.0f}" for runs in mean_runs.values()))
    return {
        rule: {"noop_accepted": shares["nothing"], "real_accepted": min(shares["spread"], shares["concentrated"])}
        for rule, shares in accepted.items()
    }


def _print_candidates(shape: tuple[float, float], n: int, rng: np.random.Generator) -> None:
    """Print what trying often enough gets: five useless candidates, and a look after every round without a price."""
    useless = [rng.beta(*shape, N_CASES) for _ in range(n)]
    n_best = sum(any(ours(simulate(p, p, rng), n_candidates=5)[0] for _ in range(5)) for p in useless)
    n_peeked = sum(_peeks(simulate(p, p, rng)) for p in useless)
    print(f"\nabuse of the fitted shape: one of 5 useless candidates is accepted {n_best / n:.1%};", end=" ")
    print(f"a test that peeks after each of {N_ROUNDS} rounds without paying accepts {n_peeked / n:.1%}")


def _peeks(trial: Trial) -> bool:
    if trial.more is None:
        raise ValueError("there is nothing to peek at without more trials")
    rounds = {str(number): [stratum] for number, stratum in enumerate(trial.first.strata())}
    for number in range(1, N_ROUNDS + 1):
        if (look(rounds, n_looks=1).p_value or 1.0) <= 0.05:  # noqa: PLR2004  # the usual level
            return True
        again = unclear(rounds)
        pair = trial.more([int(case) for case in again], number)
        found = dict(zip(again, pair.strata(), strict=True))
        rounds = {case: _added(strata, found.get(case)) for case, strata in rounds.items()}
    return False


def _added(strata: list[Stratum], more: Stratum | None) -> list[Stratum]:
    """Return all runs as one stratum, as if their number had been planned."""
    (so_far,) = strata
    return [Stratum(*map(sum, zip(so_far, more, strict=True)))] if more else strata


# Recorded data


def _print_recorded(name: str, outcomes: Outcomes, n: int, rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Print what is accepted of an arm against itself, and of the second arm against the first; nothing without one."""
    arms = list(outcomes)
    print(f"\nrecorded: {name}, arms {', '.join(arms)}")
    useless = [deal_in_two(outcomes[arm], rng) for arm in arms[:2] for _ in range(NOTHINGS * n)]
    accepted = {rule: {"nothing": _share(accepts, useless)} for rule, accepts in RULES.items()}
    if len(arms) > 1:
        real = [draw(outcomes[arms[0]], outcomes[arms[1]], rng) for _ in range(n)]
        accepted = {rule: shares | {"as recorded": _share(RULES[rule], real)} for rule, shares in accepted.items()}
    _print_table(accepted)
    return {
        rule: {"noop_accepted": shares["nothing"], "real_accepted": shares["as recorded"]}
        for rule, shares in accepted.items()
        if len(arms) > 1
    }


def deal_in_two(cases: Mapping[str, Sequence[bool]], rng: np.random.Generator) -> Trial:
    """Deal each case's trials to two arms at random: of at most N_CASES cases, each taken once."""
    names = rng.permutation(list(cases))[:N_CASES]
    if (n := min(len(cases[name]) for name in names) // 2) == 0:
        raise SystemExit("each case needs two trials on an arm, to compare the arm with itself")
    dealt = np.array([rng.permutation(cases[name])[: 2 * n] for name in names])
    return _replayed(Pair(dealt[:, :n], dealt[:, n:]))


def draw(before: Mapping[str, Sequence[bool]], after: Mapping[str, Sequence[bool]], rng: np.random.Generator) -> Trial:
    """Draw cases with replacement, and the order of their trials on either arm."""
    both = [name for name in before if name in after]
    names = rng.choice(both, min(N_CASES, len(both)))
    n = min(len(cases[name]) for name in names for cases in (before, after))
    return _replayed(Pair(*(np.array([rng.permutation(arm[name])[:n] for name in names]) for arm in (before, after))))


def _replayed(recorded: Pair) -> Trial:
    """Hand out recorded trials in rounds, for as long as there are any."""
    n_trials = recorded.before.shape[1]
    first = Pair(*(arm[:, :TRIALS_PER_ROUND] for arm in recorded))
    n_looks = max(1, min(N_ROUNDS, n_trials // TRIALS_PER_ROUND))

    def more(cases: Sequence[int], number: int) -> Pair:
        start = number * TRIALS_PER_ROUND
        return Pair(*(arm[list(cases), start : start + TRIALS_PER_ROUND] for arm in recorded))

    return Trial(first, more if n_looks > 1 else None, n_looks)


def read_outcomes(path: Path) -> Outcomes:
    """Read rows of case, arm, trial, passed, as CSV with a header or JSON lines, gzip or not."""
    text = _text(path)
    rows = map(json.loads, text.splitlines()) if text.lstrip().startswith("{") else csv.DictReader(text.splitlines())
    return _outcomes((row["case"], row["arm"], row["trial"], _is_true(row["passed"])) for row in rows)


def read_tau(path: Path) -> Outcomes:
    """Read tau-bench's airline runs, as one arm."""
    rows = (json.loads(line) for line in _text(path).splitlines())
    airline = (row for row in rows if row["domain"] == "airline")
    return _outcomes((row["task_id"], row["harness"], row["trial"], row["outcome"]["success"]) for row in airline)


def _outcomes(rows: Iterable[tuple[Any, Any, Any, bool]]) -> Outcomes:
    found: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for case, arm, _, passed in rows:
        found[str(arm)][str(case)].append(passed)
    return found


def _is_true(value: object) -> bool:
    return str(value).strip().lower() in {"1", "1.0", "true", "yes", "passed"}


def _text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def fit_beta(outcomes: Outcomes) -> tuple[float, float]:
    """Return the Beta distribution with the same mean and the same variance within cases, over all arms."""
    samples = [trials for cases in outcomes.values() for trials in cases.values() if len(trials) > 1]
    if not samples:
        return FITTED
    mean = float(np.mean([np.mean(trials) for trials in samples]))
    within = float(np.mean([np.var(trials, ddof=1) for trials in samples]))
    between = max(mean * (1 - mean) - within, 1e-3)
    size = max(within / between, 1e-2)
    return mean * size, (1 - mean) * size


# Printing


def _share(accepts: Callable[[Trial], bool], trials: Sequence[Trial]) -> float:
    return sum(map(accepts, trials)) / len(trials)


def _print_table(accepted: Mapping[str, Mapping[str, float]]) -> None:
    edits = next(iter(accepted.values()))
    print(f"{'accepted':<32}" + "".join(f"{edit:>14}" for edit in edits))
    for rule, shares in accepted.items():
        print(f"{rule:<32}" + "".join(f"{share:>14.1%}" for share in shares.values()))


def _error(share: float, n: int) -> float:
    return 1.96 * math.sqrt(share * (1 - share) / n)


def _logit(chances: Chances) -> Chances:
    inside = np.clip(chances, 1e-9, 1 - 1e-9)
    return np.log(inside / (1 - inside))


def _expit(log_odds: Chances) -> Chances:
    return 1 / (1 + np.exp(-log_odds))


if __name__ == "__main__":
    main()
