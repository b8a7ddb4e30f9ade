"""Try the cases on both arms: once where nothing is random, else in rounds until the exact tests have seen enough."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace

from fixers.evidence import CaseResult, Result
from fixers.replay.case import Case, Pair
from fixers.sequential import TRIALS_PER_ROUND, Step, step, unclear
from fixers.weigh import name_of, rounds_of

N_WORKERS = 2
MAX_TRIALS = 200  # of all cases of one proposal, each on both arms: a live model is paid for each


@dataclass(slots=True)
class Tried:
    """A case with its trials so far."""

    trials: list[tuple[CaseResult, CaseResult]]
    again: Callable[[], tuple[CaseResult, CaseResult]] | None


def try_cases(
    cases: Sequence[Case],
    run: Callable[[Case], Pair],
    *,
    n_candidates: int = 1,
    max_trials: int = MAX_TRIALS,
    on_case: Callable[[Case], None] = lambda _: None,
) -> list[CaseResult]:
    """Return what every trial gave, case by case: first all of a case before the edits, then all after them.

    Parameters
    ----------
    run
        Gives a case its first trial on both arms: `fixers.replay.case.run_pair`.
    n_candidates
        How many proposals are tried for the same failure mode; decides when enough was seen.
    max_trials
        When another round would take more, there is none.
    on_case
        Told when a case has had its first trial.

    """
    with ThreadPoolExecutor(N_WORKERS) as workers:
        all_tried: list[Tried] = []
        for case, pair in zip(cases, workers.map(run, cases), strict=True):
            all_tried.append(Tried([(pair.before, pair.after)], pair.again))
            on_case(case)
        _try_more(all_tried, workers, n_candidates, max_trials)
    return _results(all_tried)


def _try_more(all_tried: Sequence[Tried], workers: Executor, n_candidates: int, max_trials: int) -> None:
    """Complete the first round of the random cases, then add rounds of those that are unclear."""
    random = [tried for tried in all_tried if tried.again]
    n_left = max_trials - len(all_tried)
    n_whole = max(0, n_left // (TRIALS_PER_ROUND - 1))
    for tried in random[n_whole:]:
        tried.trials = [(_left_out(before), _left_out(after)) for before, after in tried.trials]
    random = random[:n_whole]
    n_left -= _run(random, TRIALS_PER_ROUND - 1, workers)
    while random and step(rounds_of(_results(all_tried)), n_candidates=n_candidates) is Step.CONTINUE:
        names = set(unclear(rounds_of(_results(all_tried))))
        random = [tried for tried in random if name_of(tried.trials[0][0]) in names]
        if TRIALS_PER_ROUND * len(random) > n_left:
            break
        n_left -= _run(random, TRIALS_PER_ROUND, workers)


def _run(all_tried: Sequence[Tried], n: int, workers: Executor) -> int:
    """Run each case `n` times more; return how many trials that were."""
    jobs = [(tried, workers.submit(tried.again)) for tried in all_tried if tried.again for _ in range(n)]
    for tried, job in jobs:
        tried.trials.append(job.result())
    return len(jobs)


def _left_out(result: CaseResult) -> CaseResult:
    reason = "random, and there are no trials left to repeat it"
    return replace(result, result=Result.INCONCLUSIVE, reason=reason)


def _results(all_tried: Sequence[Tried]) -> list[CaseResult]:
    return [result for tried in all_tried for arm in zip(*tried.trials, strict=True) for result in arm]
