"""Lines of the package by room, against what each room may have: `make lines`. `--most N` fails above N."""

import argparse
import subprocess
from collections import Counter
from pathlib import Path

SUFFIXES = {".py", ".js", ".css", ".html", ".j2", ".md"}
AIM, LONG, SHORT = 14_000, 300, 30
# Each room with its budget and what will be it, under emotion/.
ROOMS = {
    "app.py": (60, "app.py"),
    "cli": (500, "cli __main__"),
    "ui": (3_800, "ui style"),
    "server": (900, "server"),
    "report": (700, "report"),
    "analysis": (1_500, "analysis"),
    "training": (1_300, "training"),
    "inference": (500, "inference"),
    "runs": (550, "runs"),
    "data": (1_700, "data"),
    "backbones": (500, "backbones"),
    "faces": (3_100, "faces"),
    "core": (650, "core __init__"),
}


def tracked(*paths: str) -> dict[Path, int]:
    """Return the files that git knows, and that are there, with their lines."""
    said = subprocess.run(["git", "ls-files", "-z", *paths], capture_output=True, text=True, check=True).stdout
    found = [path for path in map(Path, said.split("\0")) if path.suffix in SUFFIXES and path.is_file()]
    return {path: len(path.read_text(encoding="utf-8").splitlines()) for path in found}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, help="exit with 1 where the package has more lines")
    most = parser.parse_args().most
    room_of = {part: room for room, (_, parts) in ROOMS.items() for part in parts.split()}
    package = tracked("emotion", "app.py", "assets/style.css")
    rooms: Counter[str] = Counter()
    for path, count in package.items():
        part = path.name if path.name == "app.py" and len(path.parts) == 1 else Path(path.parts[1]).stem
        rooms[room_of.get(part, f"{part} (no room)")] += count
    for room in [*ROOMS, *sorted(rooms.keys() - ROOMS.keys())]:
        print(f"{room:<20}{rooms[room]:>7,}{ROOMS.get(room, (0,))[0]:>8,}")
    total = sum(package.values())
    print(f"{'package':<20}{total:>7,}{AIM:>8,}  ({sum(budget for budget, _ in ROOMS.values()):,} by rooms)")
    named = {path: count for path, count in package.items() if path.name not in ("__init__.py", "__main__.py")}
    print("over", LONG, "lines:", *[path for path, count in named.items() if count > LONG] or ["none"])
    print("under", SHORT, "lines:", *[path for path, count in named.items() if count < SHORT] or ["none"])
    tests = sum(n for path, n in tracked("tests/*.py").items() if path.parts[1] not in ("benchmarks", "golden"))
    print(f"{'tests':<20}{tests:>7,}  (without benchmarks and golden files)")
    return int(most is not None and total > most)


if __name__ == "__main__":
    raise SystemExit(main())
