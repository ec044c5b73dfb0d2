"""Words of this project's own dialect, counted in docstrings, comments and documents: `python tests/dialect.py`."""

import ast
import io
import re
import tokenize
from collections import Counter
from pathlib import Path

WORDS = re.compile(r"\b(look(?:s|ed|ing)?|told|said|kept|beside|whoever|nobody)\b", re.IGNORECASE)
ROOT = Path(__file__).parents[1]
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def prose_of(path: Path) -> str:
    """Return a document, or the docstrings and comments of a module."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return re.sub(r"```.*?```|`[^`]*`", " ", text, flags=re.DOTALL)
    docs = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, DOCUMENTED)]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join([*docs, *(each.string for each in tokens if each.type == tokenize.COMMENT)])


def count() -> dict[str, Counter[str]]:
    """Return how often each word stands in each part: the package, and the documents."""
    parts = {"emotion": [*(ROOT / "emotion").rglob("*.py"), ROOT / "app.py"]}
    parts["documents"] = [ROOT / "README.md", *ROOT.glob("docs/*.md")]
    return {
        part: Counter(word.lower() for path in paths for word in WORDS.findall(prose_of(path)))
        for part, paths in parts.items()
    }


if __name__ == "__main__":
    for part, words in count().items():
        print(f"{part:<10} {words.total():>5}  {', '.join(f'{word} {n}' for word, n in words.most_common())}")
