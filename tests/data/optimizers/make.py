"""Writes expected.json: how the optimisers of PyTorch and Keras move the weights of one small layer.

The layer has three inputs and two units. Its third input is so small that the gradients of its weights are of the order
of 1e-6: there an epsilon of 1e-5, 1e-7 or 1e-8 makes the step. The loss is half the sum of the squared errors, so its
gradients are written out here and neither framework's differentiation takes part. In double precision.

    pip install -r requirements.txt
    KERAS_BACKEND=torch python make.py > expected.json
"""

import json

import keras
import numpy as np
import torch

keras.config.set_floatx("float64")

STEPS = 12
INPUTS = np.array([[1.0, -0.5, 1e-6], [0.3, 0.8, -2e-6]])
TARGETS = np.array([[0.5, -1.0], [1.5, 0.25]])
WEIGHT = np.array([[0.2, -0.4], [0.6, 0.1], [-0.3, 0.5]])
BIAS = np.array([0.05, -0.15])


def gradients(weight, bias, step):
    """Of the weight and the bias; the targets change their sign in every third step."""
    sign = -1.0 if step % 3 == 2 else 1.0
    error = INPUTS @ weight + bias - sign * TARGETS
    return INPUTS.T @ error, error.sum(axis=0)


def run(values, assign):
    """The weight and the bias, flat, after every step."""
    after = []
    for step in range(STEPS):
        assign(gradients(*values(), step))
        after.append(np.concatenate([value.ravel() for value in values()]).tolist())
    return after


def with_torch(make):
    parameters = [torch.nn.Parameter(torch.from_numpy(value.copy())) for value in (WEIGHT, BIAS)]
    optimizer = make(parameters)

    def assign(gradients):
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = torch.from_numpy(np.ascontiguousarray(gradient))
        optimizer.step()

    return run(lambda: [parameter.detach().numpy() for parameter in parameters], assign)


def with_keras(optimizer):
    variables = [keras.Variable(value.copy(), dtype="float64") for value in (WEIGHT, BIAS)]
    optimizer.build(variables)
    return run(
        lambda: [np.asarray(variable) for variable in variables],
        lambda gradients: optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients]),
    )


def case(optimiser, learning_rate, weight_decay, by, steps):
    names = ["optimiser", "learning_rate", "weight_decay", "by", "steps"]
    return dict(zip(names, [optimiser, learning_rate, weight_decay, by, steps]))


def cases():
    optim, pytorch, by_keras = torch.optim, f"PyTorch {torch.__version__.split('+')[0]}", f"Keras {keras.__version__}"
    for decay in [0.0, 0.1]:
        # Their defaults, but for AdamW's epsilon: 1e-5 is this project's.
        for name, rate, make in [
            ("adamw", 0.02, lambda p: optim.AdamW(p, lr=0.02, weight_decay=decay, eps=1e-5)),
            ("adam", 0.02, lambda p: optim.Adam(p, lr=0.02, weight_decay=decay)),
            ("rmsprop", 0.02, lambda p: optim.RMSprop(p, lr=0.02, weight_decay=decay)),
            ("sgd", 0.05, lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=decay)),
            # With the constants of Keras, for the weight decay that Keras does not add to gradients.
            ("adadelta", 1.0, lambda p: optim.Adadelta(p, lr=1.0, rho=0.95, eps=1e-7, weight_decay=decay)),
        ]:
            yield case(name, rate, decay, pytorch, with_torch(make))
    # Keras' defaults, but for the learning rate, which was 1 until its version 2.3.
    yield case("adadelta", 1.0, 0.0, by_keras, with_keras(keras.optimizers.Adadelta(learning_rate=1.0)))


if __name__ == "__main__":
    print("[\n" + ",\n".join(json.dumps(case) for case in cases()) + "\n]")
