"""Every exception type of the package.

Each message is one line: what is wrong, the value seen, what to do. Each class also subclasses the
natural standard-library type, so callers can catch either. ``cli/main.py`` is the one place that turns
them into text and an exit code.
"""

from __future__ import annotations

from pathlib import Path


class DistrustHubError(Exception):
    """Root of all errors this package raises on purpose."""


class ConfigError(DistrustHubError, ValueError):
    """An option or configuration value is unknown or out of its range."""


class UsageError(ConfigError):
    """Options that are missing, or exclude or need each other; the command exits 2."""


class DataError(DistrustHubError, ValueError):
    """A row, file or dataset cannot be used.

    Args:
        problem: What is wrong and what to do, without the place.
        path: File or dataset the problem is in.
        line: 1-based line or row number.

    Prints as ``scored.jsonl:12: authority_weight is 1.4; expected 0 to 0.99``.
    """

    def __init__(self, problem: str, *, path: str | Path | None = None, line: int | None = None) -> None:
        self.problem, self.path, self.line = problem, path, line
        place = "" if path is None else f"{path}:{line}: " if line is not None else f"{path}: "
        super().__init__(f"{place}{problem}")


class TextTypeError(DistrustHubError, TypeError):
    """What should be scored is no text."""


class InputNotFoundError(DistrustHubError, FileNotFoundError):
    """A file or folder the user named is not there."""


class OutputExistsError(DistrustHubError, FileExistsError):
    """An output is already there and nobody said it may be replaced."""


class OutputError(DistrustHubError, OSError):
    """An output could not be written to its end; what is there is good, and the run can go on from it."""


class ArtifactError(DistrustHubError, ValueError):
    """A JSON artifact is damaged, incomplete or written by a newer version."""


class MissingDependencyError(DistrustHubError, ImportError):
    """An optional package is needed for this step.

    Args:
        package: Import name of what is missing.
        extra: The extra of this package that brings it.
        step: What was being done, as a verb phrase (``"training"``).
        hint: Cause found on this machine, if any.
    """

    def __init__(self, package: str, extra: str, step: str, hint: str = "") -> None:
        self.package, self.extra = package, extra
        cause = f" ({hint})" if hint else ""
        super().__init__(f'{step} needs {package}{cause}; run: pip install "distrust-hub[{extra}]"')


class ModelError(DistrustHubError, ValueError):
    """A base model cannot be used: unsupported architecture, damaged file, unsafe content."""


class ModelNotFoundError(ModelError, FileNotFoundError):
    """A base model is neither a folder, nor a file, nor a reachable Hub repo."""


class AdapterError(DistrustHubError, ValueError):
    """An adapter is incomplete, damaged, or made for another base."""


class ObjectiveError(DistrustHubError, ValueError):
    """Weights or term inputs are out of range or leave nothing to train on."""


class TrainingError(DistrustHubError, RuntimeError):
    """Training cannot go on; the last good checkpoint is intact."""


class TrainingInterrupted(DistrustHubError, KeyboardInterrupt):
    """Ctrl-C during training. The state was saved; the command exits 130."""


class CheckpointError(DistrustHubError, ValueError):
    """A checkpoint does not verify, or belongs to another run."""


class EvaluationError(DistrustHubError, ValueError):
    """A benchmark cannot produce a score that means anything."""


class ChatBusyError(DistrustHubError, RuntimeError):
    """The chat queue is full, or the engine is closed."""


class TemplateNotFoundError(DistrustHubError, FileNotFoundError):
    """A template of a card or a Space is neither in the package nor in the source tree."""


class HubError(DistrustHubError, OSError):
    """The Hub refused, or could not be reached.

    Args:
        message: One line with the fix.
        repo_id: Repo concerned, if any.
        repo_type: ``model``, ``dataset`` or ``space``.
    """

    def __init__(self, message: str, *, repo_id: str | None = None, repo_type: str | None = None) -> None:
        self.repo_id, self.repo_type = repo_id, repo_type
        super().__init__(message)


class HubAuthError(HubError, PermissionError):
    """No token, an invalid one, or one that may not do this."""


class HubOfflineError(HubError):
    """The Hub cannot be asked, and the cache does not hold what is wanted."""


class HubNotFoundError(HubError, FileNotFoundError):
    """A repo, revision or file is not on the Hub, or not visible with this token."""
