"""The loaded versions of the model, and the watch over the folder they come from."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Mapping
from typing import Protocol

from data.invalid import InvalidData
from pipeline.serving.served_model import ServedModel, UnusableModelError, load_model
from trainer.export.pushed_models import PushedModel, list_pushed_models

_LOG = logging.getLogger("radio_signals.serving")


class UnknownVersionError(LookupError):
    """Nobody serves such a version. The message names those that are served."""


class NothingLoadedError(RuntimeError):
    """No version is loaded yet."""


class Watcher(Protocol):
    """Is told what happens to versions."""

    def loaded(self, seconds: float) -> None:
        """A version has been loaded, in so many seconds."""

    def refused(self) -> None:
        """A version has been refused."""

    def serving(self, versions: list[int]) -> None:
        """These versions answer from now on, newest first."""


class Versions:
    """Keeps the newest versions of a serving folder loaded.

    `refresh` looks at the folder and may take seconds; everything else answers at once and may be
    called by other threads meanwhile.
    """

    def __init__(
        self,
        folder: str,
        watcher: Watcher,
        keep: int = 2,
        labels: Mapping[str, int] | None = None,
        warm_images: int = 1,
    ) -> None:
        """Constructs it without any version.

        Args:
          folder: the serving folder, or its address.
          watcher: is told what happens.
          keep: number of newest versions that stay loaded.
          labels: versions by name, which stay loaded too.
          warm_images: as of `load_model`.
        """
        self.folder = folder
        self._watcher = watcher
        self._keep = keep
        self._labels = dict(labels or {})
        self._warm_images = warm_images
        # Replaced as a whole, never changed, so that no reader sees half of a change.
        self._loaded: dict[int, ServedModel] = {}
        self._loading: int | None = None
        self._refused: dict[int, Exception] = {}

    @property
    def loaded(self) -> list[ServedModel]:
        """The loaded versions, newest first."""
        return sorted(self._loaded.values(), key=lambda model: -model.version)

    @property
    def states(self) -> dict[int, tuple[str, str]]:
        """Versions, newest first, with their state as TensorFlow Serving names it, and an error."""
        states = {version: ("END", str(error)) for version, error in self._refused.items()}
        if self._loading is not None:
            states[self._loading] = ("LOADING", "")
        states |= dict.fromkeys(self._loaded, ("AVAILABLE", ""))
        return dict(sorted(states.items(), reverse=True))

    def find(self, version: int | None = None, label: str | None = None) -> ServedModel:
        """Return the version with a number or a label, or the newest.

        Labels are `latest`, `previous` and those of the constructor.

        Raises:
          NothingLoadedError: no version is loaded.
          UnknownVersionError: that one is not.
        """
        loaded = self.loaded
        if not loaded:
            raise NothingLoadedError(f"No version of the model is loaded from {self.folder} yet.")
        if label is not None:
            named = {"latest": loaded[0].version, **self._labels}
            if len(loaded) > 1:
                named["previous"] = loaded[1].version
            if label not in named:
                raise UnknownVersionError(
                    f"No version has the label {label}. Labels: {', '.join(sorted(named))}."
                )
            version = named[label]
        if version is None:
            return loaded[0]
        try:
            return self._loaded[version]
        except KeyError:
            known = ", ".join(str(model.version) for model in loaded)
            raise UnknownVersionError(
                f"Version {version} is not loaded. Loaded versions: {known}."
            ) from None

    def refresh(self, keep: int | None = None) -> None:
        """Load versions that are new in the folder, newest first, and drop those that are too old.

        A version answers as soon as it is loaded. If it cannot be used, this is logged once, and
        the others stay. The last version stays even if the folder is lost.

        Args:
          keep: another number of versions, for this time.
        """
        try:
            pushed = list_pushed_models(self.folder)
        except OSError as error:
            _LOG.warning("%s cannot be looked at: %s", self.folder, error)
            return
        models: dict[int, ServedModel] = {}
        count = 0
        for candidate in reversed(pushed):
            named = candidate.version in self._labels.values()
            if count >= (keep or self._keep) and not named:
                continue
            model = self._loaded.get(candidate.version) or self._load(candidate)
            if model is not None:
                models[model.version] = model
                count += 1
        versions = {candidate.version for candidate in pushed}
        self._refused = {v: error for v, error in self._refused.items() if v in versions}
        if models and models.keys() != self._loaded.keys():
            self._serve(models)

    def _load(self, pushed: PushedModel) -> ServedModel | None:
        version, known = pushed.version, self._refused.get(pushed.version)
        if isinstance(known, UnusableModelError):
            return None  # Its files will not change. Those of a damaged one may be incomplete yet.
        self._loading, started = version, time.perf_counter()
        try:
            model = load_model(pushed.path, version, self._warm_images)
        except (InvalidData, OSError) as error:
            self._refused[version] = error
            if str(known) != str(error):
                self._watcher.refused()
                _LOG.error("%s Remove this folder, or push the model again.", error)
            return None
        finally:
            self._loading = None
        self._refused.pop(version, None)
        self._watcher.loaded(time.perf_counter() - started)
        self._serve({**self._loaded, version: model})
        return model

    def _serve(self, models: dict[int, ServedModel]) -> None:
        before, self._loaded = self._loaded, models
        versions = sorted(models, reverse=True)
        self._watcher.serving(versions)
        if before.keys() - models.keys():
            gc.collect()  # functions of TensorFlow refer to each other
        _LOG.info("version %s answers; loaded: %s", versions[0], ", ".join(map(str, versions)))
