"""Makes golden.safetensors: what torchvision's ResNet-50 and timm's Xception answer with weights filled by a formula;
and tensors.txt: the names and shapes of their weights.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make.py

tests/transfer.rs fills the same weights under the same names, loads them as it loads a downloaded file, and compares.

The formula: value i of the tensor called NAME is made of u = U(FNV-1a-32(NAME), i), -1 <= u < 1, with

    U(t, i) = (splitmix64(t * 2^32 + i) >> 40) / 2^23 - 1

and is, in float64 rounded to float32,

    *.running_var                  1 + u / 2
    *.running_mean                 u / 5
    weight of 4 dimensions         u * sqrt(3 / fan_in) * gain, gain = 1 for depthwise kernels and sqrt(2) otherwise
    weight of 2 dimensions         u * sqrt(3 / fan_in)
    weight of 1 dimension          0.8 + u / 5
    bias                           u / 5

so that activations neither vanish nor grow, and every part of the network shows in the answer: integers, a division and
a square root are the same in both languages. The pictures are 0.5 + U(1000 + picture, row * columns + column) / 2, row 0
being the lowest band.

A window is what GenreLens feeds a network, (picture - 0.5) / 0.25; the networks' own preparation of it is repeated here:
0..1 again, row 0 at the bottom, three equal channels, the mean and deviation of the program that published the weights.
"""

from pathlib import Path

import numpy as np
import timm
import torch
import torchvision
from safetensors.numpy import save_file

U64 = np.uint64


def splitmix64(x):
    with np.errstate(over="ignore"):
        x = x + U64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> U64(30))) * U64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> U64(27))) * U64(0x94D049BB133111EB)
        return x ^ (x >> U64(31))


def uniform(stream, count):
    state = (U64(stream) << U64(32)) + np.arange(count, dtype=U64)
    return (splitmix64(state) >> U64(40)).astype(np.float64) / 2.0**23 - 1.0


def fnv1a(name):
    state = 0x811C9DC5
    for byte in name.encode():
        state = (state ^ byte) * 0x01000193 & 0xFFFFFFFF
    return state


def filled(name, shape):
    u = uniform(fnv1a(name), int(np.prod(shape)))
    if name.endswith("running_var"):
        values = 1.0 + u / 2.0
    elif name.endswith("weight") and len(shape) > 1:
        fan_in = int(np.prod(shape[1:]))
        depthwise_or_dense = shape[1] == 1 or len(shape) == 2
        values = u * np.sqrt((3.0 if depthwise_or_dense else 6.0) / fan_in)
    elif name.endswith("weight"):
        values = 0.8 + u / 5.0
    else:
        values = u / 5.0
    return values.reshape(shape).astype(np.float32)


def fill(model):
    """A batch norm's count of batches stays 0."""
    state = model.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = torch.from_numpy(filled(name, tuple(tensor.shape)))
    model.load_state_dict(state)
    return model.eval()


def windows(count, rows, columns):
    pictures = [0.5 + uniform(1000 + index, rows * columns) / 2.0 for index in range(count)]
    pictures = np.stack(pictures).reshape(count, rows, columns)
    return ((pictures - 0.5) / 0.25).astype(np.float32)


def prepared(windows, mean, deviation):
    grey = torch.from_numpy(windows) * 0.25 + 0.5
    colours = grey.flip(1)[:, None].repeat(1, 3, 1, 1)
    return (colours - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]


def main():
    resnet50 = fill(torchvision.models.resnet50())
    xception = fill(timm.create_model("legacy_xception"))
    print({name: sum(p.numel() for p in model.parameters()) for name, model in
           [("resnet50", resnet50), ("xception", xception)]})
    config = xception.default_cfg
    networks = [
        ("resnet50", resnet50, ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), 224,
         lambda x: torch.nn.Sequential(*list(resnet50.children())[:-1])(x).flatten(1)),
        ("xception", xception, (config["mean"], config["std"]), 299,
         lambda x: xception.forward_head(xception.forward_features(x), pre_logits=True)),
    ]
    golden, lines = {}, []
    for name, model, colours, side, features_of in networks:
        for tensor, value in model.state_dict().items():
            lines.append(" ".join([name, tensor, *map(str, value.shape)]))
        for case, shape in [("full", (1, side, side)), ("small", (2, 64, 48))]:
            x = prepared(windows(*shape), *colours)
            with torch.no_grad():
                logits, features = model(x).numpy(), features_of(x).numpy()
                if name == "resnet50":
                    # timm's ResNet-50 is the same network under the same names.
                    same = fill(timm.create_model("resnet50"))(x).numpy()
                    print("  timm's differs by", np.abs(same - logits).max())
            spread = np.abs(logits[0] - logits[-1]).max()
            print(name, case, "logits to", np.abs(logits).max(), "features", features.min(), "to", features.max(),
                  "standing at 0:", (features == 0).mean(), "two pictures differ by", spread)
            golden[f"{name}.{case}.logits"], golden[f"{name}.{case}.features"] = logits, features
    save_file(golden, Path(__file__).with_name("golden.safetensors"))
    Path(__file__).with_name("tensors.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
