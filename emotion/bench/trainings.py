"""What trainings cost: the first, further ones, a sweep, the last blocks. Imports no torch itself."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from emotion.bench.bare_helper import bare_of, choose
from emotion.bench.figure import Bound, Reading, Row, ratio, take_turns
from emotion.bench.helper import Helper
from emotion.bench.peer import BATCH, EPOCHS, STEPS, PeerRun, run_peer
from emotion.bench.workplace import Workplace
from emotion.config import TrainConfig
from emotion.events import EpochDone
from emotion.pictures.folders import list_pictures

FIRST_RUN = Row(
    name="first-run",
    title="first run, head only, 8 epochs, cold cache, accepted start to finished, over a bare forward of its pictures",
    unit="times",
    bound=Bound(direction="at most", limit=1.25),
)
FIRST_QUICK = Row(
    name="first-quick", title="the same of the Quick preset, over the same bare forward at 224 px", unit="times"
)
PEER_SPEED = Row(
    name="peer-speed",
    title="a whole fine-tune by the peer in float32 over our first run",
    unit="times",
    bound=Bound(direction="at least", limit=35),
)
PEER_SPEED_QUICK = Row(
    name="peer-speed-quick",
    title="the same over a first run of the Quick preset, whose accuracy is held against the peer's",
    unit="times",
    bound=Bound(direction="at least", limit=35),
)
FURTHER_RUN = Row(
    name="further-run",
    title="a further run on the warm cache, other batch size, 8 epochs, click to finished",
    unit="seconds",
    bound=Bound(direction="at most", limit=1.5),
)
SWEEP = Row(
    name="sweep",
    title="four runs started at once on the warm cache, batch 4, 8, 16 and 24, click to the last one finished",
    unit="seconds",
    bound=Bound(direction="at most", limit=6),
)
LAST_BLOCKS = Row(
    name="last-blocks",
    title="an epoch of the peer in float32 over one of our last 2 blocks, steps and validation",
    unit="times",
    bound=Bound(direction="at least", limit=8),
)
LAST_BLOCKS_BF16 = Row(
    name="last-blocks-bf16", title="the same with the peer in bfloat16 autocast", unit="times"
)  # fmt: skip

FIRST, QUICK, BARE, PEER = "first run, s", "Quick's first run, s", "bare forward, s", "peer, extrapolated, s"
FURTHER_BATCHES = (16, 32, 12, 48, 8)
SWEEP_BATCHES = (4, 8, 16, 24)
SWEEPS = 3
BLOCKS, BLOCK_EPOCHS = 2, 3


def measure_first_run(workplace: Workplace) -> dict[str, Reading]:
    """Take cold first runs and bare forwards in turns."""
    pictures = [path for paths in list_pictures(workplace.training_set).values() for path in paths]
    with bare_of(workplace, pictures) as bare:
        note = choose(bare, batches=3)
        series = take_turns(
            {
                FIRST: lambda: _cold(workplace, workplace.config()),
                QUICK: lambda: _cold(workplace, workplace.quick()),
                BARE: lambda: _forward(workplace, bare),
            },
            [BARE, FIRST, QUICK] * 2 + [BARE],
        )
    quick = series.pop(QUICK)
    notes, beside = [f"{len(pictures)} pictures.", note], {QUICK: quick, BARE: series[BARE]}
    return {
        FIRST_RUN.name: Reading(value=ratio(series[FIRST], series[BARE]), series=series, notes=notes),
        FIRST_QUICK.name: Reading(value=ratio(quick, series[BARE]), series=beside, notes=[_quick_note(workplace)]),
    }


def measure_peer_speed(workplace: Workplace) -> dict[str, Reading]:
    """Take cold first runs and the peer's extrapolated fine-tunes in turns."""
    series = take_turns(
        {
            PEER: lambda: _peer(workplace).seconds,
            FIRST: lambda: _cold(workplace, workplace.config()),
            QUICK: lambda: _cold(workplace, workplace.quick()),
        },
        [PEER, FIRST, QUICK] * 2,
    )
    quick = series.pop(QUICK)
    note = (
        f"The peer took {STEPS} steps; {EPOCHS} epochs of batch {BATCH} are extrapolated from their median. "
        "Its loading is not counted, ours is."
    )
    beside = {PEER: series[PEER], QUICK: quick}
    return {
        PEER_SPEED.name: Reading(value=ratio(series[PEER], series[FIRST]), series=series, notes=[note]),
        PEER_SPEED_QUICK.name: Reading(value=ratio(series[PEER], quick), series=beside, notes=[_quick_note(workplace)]),
    }


def measure_further_run(workplace: Workplace) -> dict[str, Reading]:
    """Train again and again with other batch sizes."""
    workplace.say("  the run that fills the cache")
    workplace.discard(workplace.train(workplace.config()))
    seconds = [_warm(workplace, [workplace.config(batch_size=size)]) for size in FURTHER_BATCHES]
    note = f"Batch sizes {', '.join(map(str, FURTHER_BATCHES))}, after a run with 24; one value each."
    return {FURTHER_RUN.name: _seconds("further run, s", seconds, note)}


def measure_sweep(workplace: Workplace) -> dict[str, Reading]:
    """Start four trainings at once, several times."""
    workplace.say("  the run that fills the cache")
    workplace.discard(workplace.train(workplace.config()))
    configs = [workplace.config(batch_size=size) for size in SWEEP_BATCHES]
    return {SWEEP.name: _seconds("all four, s", [_warm(workplace, configs) for _ in range(SWEEPS)])}


def measure_last_blocks(workplace: Workplace) -> dict[str, Reading]:
    """Take epochs of the last blocks and the peer's in turns."""
    ours: list[float] = []
    peer: dict[bool, list[float]] = {False: [], True: []}
    config = workplace.config(depth=BLOCKS, epochs=BLOCK_EPOCHS)
    for _ in range(2):
        for bf16, seconds in peer.items():
            seconds.append(_peer(workplace, bf16=bf16).epoch_seconds)
        ours += _epoch_seconds(workplace, config)
    series = {"our epoch, s": ours}
    note = "Each of our runs gives 3 epochs, whose activations are known by then; the peer's epoch is 1/8 of its time."
    plain = {**series, "peer's epoch in float32, s": peer[False]}
    half = {**series, "peer's epoch in bfloat16, s": peer[True]}
    return {
        LAST_BLOCKS.name: Reading(value=ratio(peer[False], ours), series=plain, notes=[note]),
        LAST_BLOCKS_BF16.name: Reading(value=ratio(peer[True], ours), series=half),
    }


def _forward(workplace: Workplace, bare: Helper) -> float:
    workplace.say("  a bare forward")
    return float(bare.call("forward"))


def _quick_note(workplace: Workplace) -> str:
    quick = workplace.quick()
    return f"Quick: {quick.image_size} px, {quick.views} views of a training picture."


def _cold(workplace: Workplace, config: TrainConfig) -> float:
    workplace.say(f"  a first run, {config.image_size} px")
    workplace.forget()
    trained = workplace.train(config)
    workplace.discard(trained)
    return trained.seconds


def _warm(workplace: Workplace, configs: list[TrainConfig]) -> float:
    workplace.say(f"  batch {', '.join(str(config.batch_size) for config in configs)}")
    trained, seconds = workplace.train_all(configs)
    workplace.discard(*trained)
    return seconds


def _peer(workplace: Workplace, *, bf16: bool = False) -> PeerRun:
    workplace.say(f"  {STEPS} steps of the peer in {'bfloat16' if bf16 else 'float32'}")
    return run_peer(workplace, bf16=bf16)


def _epoch_seconds(workplace: Workplace, config: TrainConfig) -> list[float]:
    """Return the seconds of each epoch of a run, from the end of the one before."""
    workplace.say(f"  {config.epochs} epochs of the last {config.depth} blocks")
    trained = workplace.train(config)
    ends = [event.elapsed_seconds for event in trained.run.events() if isinstance(event, EpochDone)]
    workplace.discard(trained)
    return [end - begin for begin, end in pairwise(ends)]


def _seconds(name: str, seconds: list[float], *notes: str) -> Reading:
    return Reading(value=median(seconds), series={name: seconds}, notes=list(notes))
