"""Prints the numbers that the tests of src/model/recurrent.rs hold.

PyTorch's LSTM and GRU (reset after the matrix, two biases), and the GRU of Keras with reset_after=False written out in
NumPy after its documentation, on weights filled by a formula. Needs torch and numpy: python make.py
"""

import numpy as np
import torch

INPUTS, UNITS, STEPS, BATCH = 3, 2, 4, 2


def fill(seed, *shape):
    """Row-major values that the Rust side fills in the same way."""
    index = np.arange(np.prod(shape))
    return np.sin(0.7 * index + seed).astype(np.float32).reshape(shape)


def show(name, values):
    print(name, ", ".join(f"{value:.6f}" for value in np.asarray(values).ravel()))


def gates(matrix, order):
    """Columns gate by gate in another order."""
    parts = np.split(matrix, len(order), axis=-1)
    return np.concatenate([parts[gate] for gate in order], axis=-1)


def assign(parameter, value):
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))


sequence = fill(0.3, STEPS, BATCH, INPUTS)
x = torch.from_numpy(sequence)

# Ours: input, forget, output, cell. PyTorch's: input, forget, cell, output.
lstm, order = torch.nn.LSTM(INPUTS, UNITS), [0, 1, 3, 2]
assign(lstm.weight_ih_l0, gates(fill(1, INPUTS, 4 * UNITS), order).T)
assign(lstm.bias_ih_l0, gates(fill(2, 4 * UNITS), order))
assign(lstm.weight_hh_l0, gates(fill(3, UNITS, 4 * UNITS), order).T)
assign(lstm.bias_hh_l0, gates(fill(4, 4 * UNITS), order))
show("lstm last", lstm(x)[0][-1].detach())

# Both orders are reset, update, candidate. The backward layer has seeds that are 10 higher.
gru = torch.nn.GRU(INPUTS, UNITS, bidirectional=True)
for suffix, seed in [("", 0), ("_reverse", 10)]:
    assign(getattr(gru, "weight_ih_l0" + suffix), fill(seed + 1, INPUTS, 3 * UNITS).T)
    assign(getattr(gru, "bias_ih_l0" + suffix), fill(seed + 2, 3 * UNITS))
    state = np.concatenate([fill(seed + 3, UNITS, 2 * UNITS), fill(seed + 5, UNITS, UNITS)], axis=1)
    bias = np.concatenate([fill(seed + 4, 2 * UNITS), fill(seed + 6, UNITS)])
    assign(getattr(gru, "weight_hh_l0" + suffix), state.T)
    assign(getattr(gru, "bias_hh_l0" + suffix), bias)
# [steps, batch, both] -> [batch, steps x both]
show("gru all", gru(x)[0].detach().transpose(0, 1).reshape(BATCH, -1))


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def keras(seed, steps):
    """z = s(Wx + Uh + b), r likewise, n = tanh(Wx + U(r h) + b), h = z h + (1 - z) n."""
    w, b = np.split(fill(seed + 1, INPUTS, 3 * UNITS), 3, axis=1), np.split(fill(seed + 2, 3 * UNITS), 3)
    u = np.split(fill(seed + 3, UNITS, 2 * UNITS), 2, axis=1)
    h = np.zeros((BATCH, UNITS), np.float32)
    for step in steps:
        r = sigmoid(step @ w[0] + h @ u[0] + b[0])
        z = sigmoid(step @ w[1] + h @ u[1] + b[1])
        n = np.tanh(step @ w[2] + (r * h) @ fill(seed + 5, UNITS, UNITS) + b[2])
        h = z * h + (1 - z) * n
    return h


show("keras last", np.concatenate([keras(0, sequence), keras(10, sequence[::-1])], axis=1))
