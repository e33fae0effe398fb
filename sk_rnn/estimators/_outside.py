"""What stands around a model: pipelines, searches, transformed targets."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Outside:
    """A model, and what its inputs and outputs pass through on the way.

    Attributes
    ----------
    model : SequenceRegressor
    of_X, of_y : list of transformers
        From the outside in.
    """

    model: object
    of_X: list = field(default_factory=list)
    of_y: list = field(default_factory=list)

    @property
    def is_bare(self):
        """Whether there is nothing around the model."""
        return not (self.of_X or self.of_y)

    @property
    def are_next(self):
        """Whether outputs are the next values of the channels; None if it is not seen.

        Behind transformers only their order is compared, which scaling keeps.
        """
        return self.model._are_next if self.is_bare else self.model._are_next_in_order

    def transform(self, X):
        """X as the model sees it."""
        for transformer in self.of_X:
            X = transformer.transform(X)
        return X

    def transform_y(self, y):
        """Outputs (n, n_outputs) as the model sees them."""
        for transformer in self.of_y:
            y = np.asarray(transformer.transform(y)).reshape(y.shape)
        return y

    def inverse_transform(self, y):
        """Outputs of the model, (n, n_outputs), in the units of the outside."""
        for transformer in reversed(self.of_y):
            y = np.asarray(transformer.inverse_transform(y)).reshape(y.shape)
        return y
