"""What happens beside the steps of a fine-tuning: progress, evaluations, checkpoints, the end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from .._stopping import stop_requests
from ..errors import ExportError, SettingError
from .resuming import BEST, check_same, set_aside
from .validation import Validation

if TYPE_CHECKING:
    from .loop import Training

__all__ = ["Progress"]

_EVALUATIONS: Final = 12  # of the validation part, over the whole length


class Progress:
    """Runs a training, measures it now and then, and keeps all of it on disk.

    Attributes:
        why_ended: "steps", "no better", "stopped" or "terminated", as `FinetuneResult` has it.
    """

    def __init__(
        self,
        training: Training,
        validation: Validation | None,
        patience: int,
        report: Callable[[str], None],
        settings: dict[str, Any],
    ) -> None:
        """Prepare it.

        Args:
            training: the steps.
            validation: what is measured on; None: nothing.
            patience: evaluations without a better one after which it ends; 0: never.
            report: is given the lines.
            settings: what `run_settings` returned.
        """
        self.training, self.validation = training, validation
        self.patience, self.report = patience, report
        self.length = training.config.steps or 0
        self.why_ended = "steps"
        self._settings = settings
        self._best = training.folder / BEST
        self._first_step = 0
        self._seconds_before = 0.0
        self._started = time.monotonic()
        training.companion = self
        training.on_unsaved = self._report_unsaved

    @property
    def seconds(self) -> float:
        """The time that the training took, that before an interrupt included."""
        return self._seconds_before + time.monotonic() - self._started

    def begin(self, resume: bool) -> None:
        """Go on from the checkpoint, or keep it aside and begin anew.

        Args:
            resume: whether to go on, if there is a checkpoint.

        Raises:
            SettingError: the checkpoint is of other data or settings, or damaged.
        """
        checkpoint = self.training.checkpoint
        state = self._read() if resume else None
        if state is not None:
            check_same(state["companion"]["settings"], self._settings, self.training.folder)
            self.training.restore(state)
            self.report(f"resumed after step {self.training.step} of {self.length}")
        elif resume:
            self.report(f"no training was interrupted in {self.training.folder}: it begins")
        elif kept := set_aside(checkpoint):
            self.report(
                f"the checkpoint of a training that was interrupted is kept as {kept.name}; "
                f"resume=True (--resume) would go on with a {checkpoint.name}"
            )
        if state is None:
            shutil.rmtree(self._best, ignore_errors=True)
        self._first_step, self._started = self.training.step, time.monotonic()

    def _read(self) -> dict[str, Any] | None:
        path = self.training.checkpoint
        try:
            state = self.training.read_training_state()
        except ValueError:
            state = {}
        if state is not None and "companion" not in state:
            raise SettingError(
                f"{path} is damaged, or not the checkpoint of a fine-tuning. Remove it, or begin "
                "anew without resume=True (--resume)."
            )
        return state

    def train(self) -> str:
        """Train to the end, and say why it ended."""
        if self._is_patience_over():
            self.why_ended = "no better"
            return self.why_ended
        with stop_requests(self.training.stop) as request:
            is_whole = self.training.run(self._after_step)
        if not is_whole and self.why_ended == "steps":
            self.why_ended = "terminated" if request.name == "SIGTERM" else "stopped"
            self._report_stop(request.name)
        return self.why_ended

    def clean_up(self, keep_checkpoint: bool) -> None:
        """Remove what the model, which is written by now, makes needless.

        Args:
            keep_checkpoint: whether the training may go on.
        """
        shutil.rmtree(self._best, ignore_errors=True)
        if not keep_checkpoint:
            self.training.checkpoint.unlink(missing_ok=True)

    # ── in the checkpoint ─────────────────────────────────────────────────────────────────────────

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of it."""
        validation = None if self.validation is None else self.validation.state()
        return {"settings": self._settings, "seconds": self.seconds, "validation": validation}

    def restore(self, state: dict[str, Any]) -> None:
        """Take what `state` returned.

        Args:
            state: from a checkpoint.
        """
        self._seconds_before = float(state["seconds"])
        if self.validation is not None:
            self.validation.restore(state["validation"])

    # ── along the way ─────────────────────────────────────────────────────────────────────────────

    def _after_step(self, training: Training) -> None:
        step = training.step
        is_first = step == self._first_step + 1
        if step % max(self.length // 20, 10) == 0 or is_first or step == self.length:
            per_step_s = (time.monotonic() - self._started) / (step - self._first_step)
            self.report(
                f"step {step} of {self.length}: loss {training.last_loss:.2f}, "
                f"about {_minutes(per_step_s * (self.length - step))} left"
            )
        if self.validation is not None and step % max(self.length // _EVALUATIONS, 1) == 0:
            self._evaluate(self.validation)

    def _evaluate(self, validation: Validation) -> None:
        average = self.training.average
        state = {name: tensor.detach().clone() for name, tensor in average.items()}
        if validation.evaluate(self.training.step, state, self.report):
            self._save_best(validation)
        self.training.try_to_save()
        if self._is_patience_over():
            self.report(f"no better for {validation.weights.worse} evaluations: ended")
            self.why_ended = "no better"
            self.training.stop()

    def _is_patience_over(self) -> bool:
        worse = 0 if self.validation is None else self.validation.weights.worse
        return bool(self.patience) and worse >= self.patience

    def _save_best(self, validation: Validation) -> None:
        try:
            validation.save(self._best)
        except ExportError as error:
            self.report(f"warning: {error} The training goes on.")

    def _report_unsaved(self, error: Exception) -> None:
        kept = f"the one of step {self.training.saved_step} is kept"
        if not self.training.saved_step:
            kept = "there is none yet"
        self.report(
            f"warning: the checkpoint of step {self.training.step} could not be written ({error}); "
            f"{kept}. Free some space; the training goes on"
        )

    def _report_stop(self, signal_name: str) -> None:
        step, saved = self.training.step, self.training.saved_step
        by = signal_name or "a request"
        where = f"{self.training.checkpoint} has all of it"
        if saved != step:
            where = f"{self.training.checkpoint} has it until step {saved}"
        best = f"; the best model so far is {self._best}" if self._best.is_dir() else ""
        self.report(
            f"stopped by {by} after step {step} of {self.length}: {where}{best}. To go on: the "
            "same command with --resume, or the same call with resume=True"
        )


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
