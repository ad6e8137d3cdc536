"""The complete search: from a spectrogram to the evidence for each kind of line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from trainer.line_search.carriers import WithoutCarriers
from trainer.line_search.close_up import CloseUp
from trainer.line_search.drift_search import DriftSearch
from trainer.line_search.envelope import PulseEvidence, SpotEvidence
from trainer.line_search.evidence import Evidence
from trainer.line_search.intermittent import WithoutIntermittentCarriers
from trainer.line_search.second_look import BothLooks, SideBySide
from trainer.line_search.standard_rows import StandardRows
from trainer.line_search.straightened import Straightened, measure_inside
from trainer.line_search.wander import Wander

NAME = "line_search"

ROWS = 64
# A wandering line crosses several channels during a row. It is therefore followed at a quarter of
# the resolution, which takes a sixteenth of the time. Pulses are looked for at half of it.
FINE, COARSE, COARSEST = 128, 64, 32
# In widths of the band: drift over the whole observation, and distance from the chord.
DRIFT, SAGITTA = 0.5, 12 / 128
# Channels to look at on either side of a path from the drift search.
REACH = 8
# The second look says as much as the first, and comes last.
SECOND_LOOK_FEATURES = 113


class _TracedOnce(keras.Model):
    """A model without weights that is traced once, whatever functions call it.

    Tracing the search takes a second. Both training and the exported model call it.
    """

    _traced: Callable[[tf.Tensor], tf.Tensor] | None = None

    def call(
        self,
        inputs: tf.Tensor,
        training: bool | None = None,  # noqa: ARG002 - Keras passes it
        mask: tf.Tensor | None = None,  # noqa: ARG002 - Keras passes it
    ) -> tf.Tensor:
        """Return the outputs."""
        if self._traced is None:
            run = super().call

            # `run` has more parameters, which a signature would have to give.
            def search(image: tf.Tensor) -> tf.Tensor:
                return run(image)

            spec = tf.TensorSpec(self.inputs[0].shape, self.inputs[0].dtype)
            function = tf.function(search, input_signature=[spec], autograph=False)
            # Outside the function that calls it, so that the trace does not belong to it.
            with tf.init_scope():
                # A concrete function, because TensorFlow traces others again when it saves a model.
                self._traced = function.get_concrete_function()
        return self._traced(inputs)


def build_line_search(height: int, width: int, without: Sequence[str] = ()) -> keras.Model:
    """Return the search, a model without weights: float32 [N, height, width, 1] to [N, features].

    Lines that do not drift are removed first. Then the search finds the strongest straight path and
    the strongest of all paths. Near each of them it compares all sagittas to a fraction of a
    channel. It weighs wandering paths in the whole spectrogram at a quarter of the resolution, and
    in smaller steps near the strongest path. It says whether the line is always on. A spectrogram
    from which something was removed is also searched as it was.

    Args:
      height: pixels along time.
      width: pixels along frequency.
      without: evidence to leave out, see `Evidence`. Without `carriers`, none are removed. Without
        `envelope`, nothing is said about pulses and spots.
    """
    image = keras.Input((height, width, 1), name="image")
    rows = StandardRows(ROWS, FINE, name="fine_rows")(image)
    second_look = []
    if "carriers" in without:
        first_look = _search(rows, without)
    else:
        cleaned, steady = WithoutCarriers(name="without_carriers")(rows)
        cleaned, intermittent = WithoutIntermittentCarriers(name="without_intermittent")(cleaned)
        removed = keras.ops.concatenate([steady, intermittent], axis=1)
        looks, changed = BothLooks(name="both_looks")(cleaned, rows)
        evidence = _search(looks, without)
        both = SideBySide(name="side_by_side")(evidence, changed, removed)
        features = evidence.shape[1]
        first_look, second_look = both[:, :-features], [both[:, -features:]]
    spots = []
    if "envelope" not in without:
        spots.append(SpotEvidence(2 * ROWS, 2 * FINE, name="spots")(image))
    outputs = keras.ops.concatenate([first_look, *spots, *second_look], axis=1)
    return _TracedOnce(image, outputs, name=NAME)


def _search(fine: keras.KerasTensor, without: Sequence[str]) -> keras.KerasTensor:
    """Return the evidence for each kind of line in standardised rows: float32 [N, features]."""
    coarsest = StandardRows(ROWS, COARSEST, name="coarsest_rows")(fine[..., None])
    paths = DriftSearch(65, 13, DRIFT, SAGITTA, name="drift_search")(fine)
    near = Straightened(REACH, name="straightened")(fine, paths)
    close_up = CloseUp(25, 3.0, name="close_up")(near)
    results = {
        "straight": close_up[:, 0],
        "curved": close_up[:, 1],
        "curve": paths[:, 1],
        "wandering": Wander((0.3, 0.6, 1.3), (0.9,), either_polarity=True, name="wander")(coarsest),
        "near": Wander((0.15, 0.35, 0.7, 1.4), (0.6, 1.2, 2.4), name="near_wander")(near[:, 1]),
        "inside": measure_inside(near),
    }
    evidence = Evidence(without, name="evidence")(results)
    if "envelope" in without:
        return evidence
    coarse = StandardRows(ROWS, COARSE, name="coarse_rows")(fine[..., None])
    pulses = PulseEvidence(name="pulses")(near[:, 1], coarse, paths[:, 1])
    return keras.ops.concatenate([evidence, pulses], axis=1)
