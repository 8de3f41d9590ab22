"""Checks: what they are called, how they are run, and how their results are told."""

import time
import traceback


class Skip(Exception):
    """Raised by a check that can't run here. Its text says why."""


class Useless(Exception):
    """Raised where nothing that follows can work, such as an editor that does not start."""


def expect(condition, text):
    """Fails a check unless the condition holds."""
    if not condition:
        raise AssertionError(text)


def until(question, text, seconds=30.0, step=0.05):
    """Asks until the answer is true, and returns the answer. `text`, or what it returns, says what was expected."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{text() if callable(text) else text}, within {seconds:g} s")
        time.sleep(step)


class Results:
    """Runs checks, prints a line for each and counts them."""

    def __init__(self):
        self.passed, self.failed, self.skipped, self.useless = 0, 0, 0, 0
        self.on_failure = None

    def run(self, text, check):
        """Runs a check, and returns whether it passed."""
        start = time.monotonic()
        try:
            note = check()
        except Skip as why:
            self.skipped += 1
            print(f"skipped: {text}: {why}", flush=True)
            return True
        except Exception as error:
            self.failed += 1
            self.useless += isinstance(error, Useless)
            print(f"FAILED  {text} ({time.monotonic() - start:.1f} s)", flush=True)
            trouble = str(error)
            if not isinstance(error, AssertionError):
                ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename][-1]
                trouble = trouble.split("\nCall log")[0]
                trouble = f"{type(error).__name__}: {trouble}\nin {ours.filename.rsplit('/', 1)[-1]}:{ours.lineno}: {ours.line}"
            lines = [line[:400] for line in trouble.strip().splitlines()]
            print("        " + "\n        ".join(lines if len(lines) < 14 else [*lines[:4], "...", *lines[-8:]]), flush=True)
            if self.on_failure:
                self.on_failure(text)
            return False
        self.passed += 1
        print(f"ok      {text} ({time.monotonic() - start:.1f} s){f': {note}' if note else ''}", flush=True)
        return True

    def told(self):
        """The last line."""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
