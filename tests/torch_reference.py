"""Outputs and gradients of torch's recurrent networks, as references for our own.

Run it as a script, where torch is installed, to make ``data/torch_reference.npz``
anew. Each case is a stack of two layers, run over one sequence at a time in double
precision; the loss is a fixed linear function of the outputs of the upper layer.
"""

from pathlib import Path

import numpy as np

PATH = Path(__file__).parent / "data" / "torch_reference.npz"
KINDS = ("RNN", "GRU", "LSTM")
LENGTHS = {"equal": (5, 5, 5), "ragged": (6, 4, 4, 1), "single": (9,)}
N_IN, N_UNITS = 3, 4
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def inputs(kind, lengths, n_in=N_IN, n_units=N_UNITS, seed=0):
    """Weights by torch's names, sequences one after the other, gradient of outputs."""
    rng = np.random.RandomState(seed)
    n_gates, arrays = GATES[kind] * n_units, {}
    for layer, width in enumerate((n_in, n_units)):
        arrays[f"weight_ih_l{layer}"] = 0.5 * rng.standard_normal((n_gates, width))
        arrays[f"weight_hh_l{layer}"] = 0.5 * rng.standard_normal((n_gates, n_units))
        arrays[f"bias_ih_l{layer}"] = 0.5 * rng.standard_normal(n_gates)
        arrays[f"bias_hh_l{layer}"] = 0.5 * rng.standard_normal(n_gates)
    arrays["x"] = rng.standard_normal((sum(lengths), n_in))
    arrays["dy"] = rng.standard_normal((sum(lengths), n_units))
    return arrays


def reference(kind, lengths, arrays):
    """Outputs, and gradients of weights and input under ``d_`` and their name."""
    import torch

    n_units, n_in = arrays["dy"].shape[1], arrays["x"].shape[1]
    network = getattr(torch.nn, kind)(n_in, n_units, num_layers=2).double()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(torch.from_numpy(arrays[name]))
    x = torch.from_numpy(arrays["x"]).requires_grad_()
    y = torch.cat([network(sequence)[0] for sequence in x.split(list(lengths))])
    (y * torch.from_numpy(arrays["dy"])).sum().backward()
    results = {"y": y.detach().numpy(), "d_x": x.grad.numpy()}
    for name, parameter in network.named_parameters():
        results[f"d_{name}"] = parameter.grad.numpy()
    return results


def main():
    stored = {}
    for kind in KINDS:
        for case, lengths in LENGTHS.items():
            arrays = inputs(kind, lengths)
            for name, values in (arrays | reference(kind, lengths, arrays)).items():
                stored[f"{kind}/{case}/{name}"] = values
    PATH.parent.mkdir(exist_ok=True)
    np.savez_compressed(PATH, **stored)
    print(f"{PATH.name}: {len(stored)} arrays, {PATH.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
