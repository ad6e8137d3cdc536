"""A Keras model whose `fit` and `evaluate` work with every strategy of `tf.distribute`.

Keras 3 cannot do that with several workers: it averages the first batch, a tuple, and the metrics
of each step, which are scalars, over the workers by functions that take neither.
"""

from __future__ import annotations

import keras
import tensorflow as tf


class ReplicatedModel(keras.Model):
    """A model to be made, compiled and fitted in the scope of a strategy.

    Its logs within an epoch are those of this worker's first replica; those at the end of an
    epoch, and of validation, are of all replicas, because Keras's metrics sum up over replicas
    when they are read. So all workers see the same figures and decide alike.

    One call of the training function is one step, whatever `steps_per_execution` says.
    """

    def make_train_function(self, force: bool = False):
        if self.train_function is None or force:
            self.train_function = self._on_every_replica(self.train_step)

    def make_test_function(self, force: bool = False):
        if self.test_function is None or force:
            self.test_function = self._on_every_replica(self.test_step)

    def _on_every_replica(self, step):
        @tf.function
        def run(iterator):
            return self._local(self.distribute_strategy.run(step, args=(next(iterator),)))

        return run

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Here Keras would average the first batch over the workers, to learn its shape.
        for _, _, batches in iterator or ():
            data_batch = self._local(next(batches))
            break
        super()._maybe_symbolic_build(data_batch=data_batch)

    def _local(self, values):
        """What this worker's first replica has of values that each replica has its own of."""
        first = lambda value: self.distribute_strategy.experimental_local_results(value)[0]  # noqa: E731
        return tf.nest.map_structure(first, values)


def replicated(model: keras.Model) -> ReplicatedModel:
    """Return a model with the same layers that can be fitted by several replicas.

    Its batch normalisation is by mean and variance of the whole batch, over all replicas. By its
    own part alone, each replica would keep other moving averages, only the chief's would be
    exported, and gradients would depend on the number of replicas.

    Args:
      model: built in the strategy's scope, in which this has to be called as well.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
    return ReplicatedModel(model.inputs, model.outputs, name=model.name)
