"""Losses and solvers bring their own hyper-parameters; estimators take them over."""

from dataclasses import fields, make_dataclass


def hyper_parameters(*registries):
    """A dataclass of all that the entries of some registries are made with.

    Its ``_parameter_constraints`` are those of the entries.
    """
    parts = [part for registry in registries for part in registry.values()]
    found = {
        f.name: (f.name, f.type, f.default) for part in parts for f in fields(part)
    }
    constraints = {}
    for part in parts:
        constraints |= part.constraints
    return make_dataclass(
        "HyperParameters",
        found.values(),
        namespace={"_parameter_constraints": constraints},
        kw_only=True,
        eq=False,
        repr=False,
    )


def instantiate(part, estimator):
    """Make a loss or a solver from the hyper-parameters of an estimator."""
    return part(
        **{field.name: getattr(estimator, field.name) for field in fields(part)}
    )
