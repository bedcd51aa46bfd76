"""Where in C++ that clang-format has laid out a small fault can be planted: what tests/mutate draws from."""

import hashlib
import os
import re

def code_of(text):
    """The text with comments, strings, characters and lines of the preprocessor blanked, every character at its place."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'|^[ \t]*#(?:\\\n|[^\n])*'
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S | re.M)


# What stands at a place, and what it becomes. Operators have blanks around them, as clang-format writes them; templates have none.
EXCHANGES = [
    (r"(?<= )\+(?= )", "-", "sign"), (r"(?<= )-(?= )", "+", "sign"),
    (r"(?<= )\*(?= )", "/", "operator"), (r"(?<= )/(?= )", "*", "operator"), (r"(?<= )%(?= )", "/", "operator"),
    (r"(?<= )\+=(?= )", "=", "no add"), (r"(?<= )\+=(?= )", "-=", "sign"), (r"(?<= )-=(?= )", "+=", "sign"),
    (r"(?<= )\*=(?= )", "=", "no add"), (r"(?<= )\|=(?= )", "=", "no add"),
    (r"(?<= )<(?= )", "<=", "edge"), (r"(?<= )<=(?= )", "<", "edge"), (r"(?<= )>(?= )", ">=", "edge"), (r"(?<= )>=(?= )", ">", "edge"),
    (r"(?<= )==(?= )", "!=", "test"), (r"(?<= )!=(?= )", "==", "test"),
    (r"(?<= )&&(?= )", "||", "test"), (r"(?<= )\|\|(?= )", "&&", "test"),
    (r"(?<=[(=,?: !])-(?=[\w(])", "", "sign"), (r"(?<=[(=,?: &|])!(?=[\w(])", "", "test"),
    (r"\+\+(?=\w)|(?<=\w)\+\+", "--", "step"), (r"--(?=\w)|(?<=\w)--", "++", "step"),
    (r"\btrue\b", "false", "constant"), (r"\bfalse\b", "true", "constant"),
    (r"(?<![\w.<])0(?![\w.])", "1", "constant"), (r"(?<![\w.<])1(?![\w.])", "0", "constant"),
    (r"(?<![\w.<])1(?![\w.])", "2", "constant"), (r"(?<![\w.<])2(?![\w.])", "3", "constant"),
    (r"(?<![\w.])\d+\.\d+(?![\w.])", lambda n: repr(2 * float(n) + 1), "constant"),
    (r"\bbreak(?=;)", "continue", "jump"), (r"\bcontinue(?=;)", "break", "jump"),
    (r"\bstd::min\b", "std::max", "name"), (r"\bstd::max\b", "std::min", "name"),
    (r"\bsimd::min\b", "simd::max", "name"), (r"\bsimd::max\b", "simd::min", "name"),
]
NO_PLACE = re.compile(r"^\s*(static_assert|template|extern|using|namespace|friend|#|CAROUSEL_|requires|concept|public:|private:)")
NAME = r"[A-Za-z_]\w*(?:(?:\.|->)\w+)?"
# A line that is one call or one assignment
STATEMENT = re.compile(rf"^(\s+)(\*?{NAME}(?:\[[^=;]*\])?(?:::\w+)*(?:<[\w, ]+>)?(?: [-+*/|]?= [^;]*|\([^;]*\))(?:\.\w+\([^;]*\))?;)$")


def closing(code, at):
    """The place of the bracket that closes the one at `at`, or None if it is on another line."""
    level = 0
    for i in range(at, len(code)):
        level += (code[i] == "(") - (code[i] == ")")
        if level == 0:
            return i
    return None


def faults_of_line(code, line):
    """(kind, column, before, after) of every fault that can be planted in a line."""
    if NO_PLACE.match(code) or not code.strip():
        return
    for pattern, to, kind in EXCHANGES:
        if kind == "step" and " for (" in code:  # it never ends, which every test sees
            continue
        for m in re.finditer(pattern, code):
            yield kind, m.start(), m.group(), to(m.group()) if callable(to) else to
    for m in re.finditer(r"\b(?:if|while) (?=\()", code):
        end = closing(code, m.end())
        if end:
            condition = line[m.end() : end + 1]
            yield "negated", m.end(), condition, f"(!{condition})"
    # f(…, a, b, …)
    for m in re.finditer(rf"(?<=[(,{{])( ?)({NAME}), ({NAME})(?=[,)}}])", code):
        if m.group(2) != m.group(3) and not re.search(r"\b(const|auto|int|bool)\b", m.group()):
            yield "swapped", m.start(), m.group(), f"{m.group(1)}{m.group(3)}, {m.group(2)}"
    m = STATEMENT.match(code)
    if m and not re.match(r"(return|throw|delete|else)\b", m.group(2)) and m.group(2).count("(") == m.group(2).count(")"):
        yield "left out", m.start(2), line[m.start(2) :].rstrip("\n"), ";"


def faults_of(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    seen = {}
    for number, (code, line) in enumerate(zip(code_of(text).split("\n"), text.split("\n")), 1):
        for kind, column, before, after in faults_of_line(code, line):
            fault = {"file": path, "line": number, "column": column, "kind": kind, "before": before, "after": after,
                     "was": line.strip(), "is": (line[:column] + after + line[column + len(before) :]).strip(), "time": 0}
            same = key_of(fault)  # the lines that are alike are counted
            fault["time"] = seen[same] = seen.get(same, 0) + 1
            yield fault


def with_fault(text, fault):
    """The text of its file with the fault."""
    lines = text.split("\n")
    line = lines[fault["line"] - 1]
    lines[fault["line"] - 1] = line[: fault["column"]] + fault["after"] + line[fault["column"] + len(fault["before"]) :]
    return "\n".join(lines)


def key_of(fault):
    """What names a fault, wherever its line has moved."""
    return "{file}|{was}|{is}|{time}".format(**fault)


def drawn(faults, seed):
    """In an order that the seed decides, and that a change elsewhere in the tree leaves as it is."""
    return sorted(faults, key=lambda f: hashlib.sha256(f"{seed}|{key_of(f)}".encode()).digest())
