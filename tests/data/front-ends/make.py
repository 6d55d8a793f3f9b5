"""Computes the values that tests/dsp/parity.rs compares with, with librosa and Pillow:

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make.py

cases.json says what was computed, and where in values.npy (float32, flat) its values are. Signals are not stored: both
sides make them by the formulas of `signal`, in float64, rounded to 16-bit steps, so that no last bit can differ.

Given the path of MusiCNN's golden.safetensors as an argument, it also copies the parts of it that are needed.
"""

import json
import random
import sys
import warnings

import librosa
import numpy as np
from PIL import Image

RATES = [8000, 11025, 16000, 22050, 32000, 44100, 48000]
N_FFTS = [256, 512, 1024, 2048, 4096]
BANDS = [32, 40, 64, 80, 96, 128, 256]
SIGNALS = ["noise", "noise-dc", "chirp", "clicks", "tones", "silence"]
SHORT = [1, 2, 5, 100, 1024, 1025, 1500]

# name: what differs from librosa's defaults and 22 050 Hz, scaling, columns
PRESETS = {
    "gtzan-logmel": ({"padding": "constant"}, "unit", 3.337),
    "net1": ({"padding": "constant", "n_fft": 1024, "mel_bands": 256}, "unit", None),
    "deep-music-genre": ({"padding": "reflect", "hop_length": 1024}, "standardised", None),
    "fma": ({"padding": "reflect", "hop_length": 1024}, "unit", None),
    "parallel-cnn-rnn": ({"padding": "reflect", "hop_length": 1024}, "unit", None),
    "image": ({"padding": "constant"}, "unit", None),
    "musicnn": (
        {
            "padding": "reflect",
            "sample_rate": 16000,
            "n_fft": 512,
            "hop_length": 256,
            "mel_bands": 96,
            "f_max": 8000.0,
        },
        "compressed",
        None,
    ),
}
DEFAULT = {
    "sample_rate": 22050,
    "n_fft": 2048,
    "hop_length": 512,
    "mel_bands": 128,
    "f_min": 0.0,
    "f_max": 11025.0,
    "mel_scale": "slaney",
    "mel_norm": "slaney",
    "spectrum": "power",
    "centred": True,
    "padding": "constant",
}

values = []


def store(array):
    """Appends an array and gives its place."""
    offset = sum(map(len, values))
    values.append(np.asarray(array, dtype=np.float32).ravel())
    return offset


def lcg(length):
    """Knuth's linear congruential generator (MMIX), the highest 16 bits as signed steps of 2^-15."""
    state, out = 1, np.empty(length)
    for index in range(length):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out[index] = ((state >> 48) - 32768) / 32768
    return out


NOISE = lcg(200_000)


def signal(kind, length, rate, tones=()):
    index = np.arange(length)
    t = index / rate
    noise = NOISE[:length]
    if kind == "noise":
        value = noise
    elif kind == "noise-dc":
        value = 0.25 * noise + 0.5
    elif kind == "chirp":
        value = 0.9 * np.sin(2 * np.pi * (20 + (rate / 2 - 20) * t / (2 * length / rate)) * t)
    elif kind == "clicks":
        value = np.where(index % 1009 == 0, 1.0 - 2.0 * (index // 1009 % 2), 0.0)
    elif kind == "tones":
        value = sum(np.sin(2 * np.pi * hz * t) for hz in tones) * 0.9 / len(tones)
    elif kind == "silence":
        value = np.zeros(length)
    elif kind == "music":
        value = 0.1 * np.sin(2 * np.pi * 60 * t) + 0.05 * noise * t / (length / rate)
        value = value + 0.4 * np.sin(2 * np.pi * 220 * t) * np.exp(-4 * (2 * t % 1))
        value = value + 0.2 * np.sin(2 * np.pi * 1760 * t) * np.exp(-8 * (3 * t % 1))
    return (np.floor(value * 32768 + 0.5) / 32768).astype(np.float32)


def bank(front_end):
    return {
        "fmin": front_end["f_min"],
        "fmax": front_end["f_max"],
        "htk": front_end["mel_scale"] == "htk",
        "norm": "slaney" if front_end["mel_norm"] == "slaney" else None,
    }


def melspectrogram(front_end, samples):
    """[frame, band]"""
    return librosa.feature.melspectrogram(
        y=samples,
        sr=front_end["sample_rate"],
        n_fft=front_end["n_fft"],
        hop_length=front_end["hop_length"],
        n_mels=front_end["mel_bands"],
        center=front_end["centred"],
        pad_mode=front_end["padding"],
        power=2.0 if front_end["spectrum"] == "power" else 1.0,
        **bank(front_end),
    ).T


def mean_power(front_end, samples):
    """[frame]: the mean over bins of the squared magnitude, which is what errors of a transform are relative to."""
    conventions = {"center": front_end["centred"], "pad_mode": front_end["padding"]}
    spectrum = librosa.stft(samples, n_fft=front_end["n_fft"], hop_length=front_end["hop_length"], **conventions)
    return np.mean(np.abs(spectrum) ** 2, axis=0)


def some(count, wanted):
    """Indices from the first to the last."""
    return sorted(set(np.linspace(0, count - 1, min(count, wanted)).astype(int).tolist()))


def mel_case(front_end, kind, length, wanted, tones=()):
    samples = signal(kind, length, front_end["sample_rate"], tones)
    mel, powers = melspectrogram(front_end, samples), mean_power(front_end, samples)
    stored = some(len(mel), wanted)
    case = {"front_end": front_end, "signal": kind, "length": length, "tones": list(tones), "frames": len(mel)}
    return mel, case | {"stored": stored, "offset": store(mel[stored]), "power_offset": store(powers[stored])}


def grid():
    rng = random.Random(1)
    for rate in RATES:
        for n_fft in N_FFTS:
            for kind in SIGNALS:
                f_min, f_max = rng.choice([(0.0, rate / 2), (0.0, rate / 2), (20.0, 0.45 * rate), (300.0, 3400.0)])
                front_end = {
                    "sample_rate": rate,
                    "n_fft": n_fft,
                    "hop_length": rng.choice([n_fft // 2, n_fft // 4, n_fft // 8 + 1, 441, n_fft, n_fft + 100]),
                    "mel_bands": rng.choice(BANDS),
                    "f_min": f_min,
                    "f_max": f_max,
                    "mel_scale": rng.choice(["slaney", "htk"]),
                    "mel_norm": rng.choice(["slaney", "none"]),
                    "spectrum": rng.choice(["power", "magnitude"]),
                    "centred": rng.random() < 0.7,
                    "padding": rng.choice(["constant", "reflect"]),
                }
                edges = librosa.mel_frequencies(
                    front_end["mel_bands"] + 2, fmin=f_min, fmax=f_max, htk=front_end["mel_scale"] == "htk"
                )
                tones = [round(float(hz), 3) for hz in edges[1 :: len(edges) // 4][:4]] if kind == "tones" else []
                yield mel_case(front_end, kind, rate * 3 // 4 + 7, 3 if kind != "silence" else 1, tones)[1]
    for length in SHORT:
        for padding in ["constant", "reflect"]:
            yield mel_case(DEFAULT | {"padding": padding, "mel_bands": 40}, "noise", length, 3)[1]
    yield mel_case(DEFAULT | {"centred": False}, "noise", 2048, 1)[1]


def db(mel, ref):
    return librosa.power_to_db(mel, ref=ref)


def scaled(mel, scaling):
    """The input of a network from one segment."""
    if scaling == "compressed":
        return np.log10(1 + 10_000 * mel)
    relative = db(mel, np.max)
    if scaling == "unit":
        return (relative - relative.min()) / (relative.max() - relative.min())
    return (relative - relative.mean()) / relative.std()


def presets():
    for name, (changes, scaling, spread) in PRESETS.items():
        front_end = DEFAULT | changes
        mel, case = mel_case(front_end, "music", 8 * front_end["sample_rate"] + 99, 12)
        network_input = scaled(mel, scaling)
        if spread:
            frames = ((np.arange(len(mel)) + 0.5) * spread).astype(int)
            network_input = network_input[frames[frames < len(mel)]]
        columns = some(len(network_input), 12)
        case |= {"name": name, "columns": len(network_input), "scaled_columns": columns}
        case |= {"scaled_offset": store(network_input[columns]), "images": []}
        if name == "image":
            for size in [224, 299]:
                picture = Image.fromarray(np.ascontiguousarray(network_input.T[::-1], dtype=np.float32))
                pixels = np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))
                rows = some(size, 10)
                case["images"].append({"size": size, "rows": rows, "offset": store(pixels[rows])})
        yield case


def mfcc():
    for changes, n_mfcc, lifter in [({}, 20, 0), ({}, 13, 22), ({"mel_scale": "htk", "mel_bands": 40}, 40, 0)]:
        front_end = DEFAULT | changes
        samples = signal("music", 44_100, 22_050)
        found = librosa.feature.mfcc(
            y=samples,
            sr=22_050,
            n_mfcc=n_mfcc,
            lifter=lifter,
            n_mels=front_end["mel_bands"],
            htk=front_end["mel_scale"] == "htk",
        ).T
        stored = some(len(found), 8)
        case = {"front_end": front_end, "length": len(samples), "n_mfcc": n_mfcc, "lifter": lifter}
        yield case | {"stored": stored, "offset": store(found[stored])}


def banks():
    musicnn = {"sample_rate": 16_000, "n_fft": 512, "mel_bands": 96, "f_max": 8000.0}
    for changes in [
        {},
        musicnn,
        {"n_fft": 1024, "mel_bands": 256},
        {"mel_scale": "htk"},
        {"mel_norm": "none"},
        {"mel_scale": "htk", "mel_norm": "none", "mel_bands": 40, "n_fft": 4096},
        {"sample_rate": 48_000, "f_min": 20.0, "f_max": 20_000.0, "mel_bands": 64},
        {"sample_rate": 8000, "n_fft": 256, "mel_bands": 256, "f_max": 4000.0},
    ]:
        front_end = DEFAULT | changes
        weights = librosa.filters.mel(
            sr=front_end["sample_rate"], n_fft=front_end["n_fft"], n_mels=front_end["mel_bands"], **bank(front_end)
        )
        rows = [np.flatnonzero(row) for row in weights]
        first = [int(row[0]) if len(row) else 0 for row in rows]
        count = [int(row[-1] - row[0] + 1) if len(row) else 0 for row in rows]
        dense = [row[at : at + length] for row, at, length in zip(weights, first, count)]
        yield {"front_end": front_end, "first": first, "count": count, "offset": store(np.concatenate(dense))}


def musicnn(path):
    """Steps of 2^-15 would not do: the waveform is kept as it was given."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    for tensor, name in [("waveform_16k", "musicnn-waveform.npy"), ("log_mel", "musicnn-log-mel.npy")]:
        begin, end = header[tensor]["data_offsets"]
        np.save(name, np.frombuffer(data[begin:end], dtype="<f4").reshape(header[tensor]["shape"]))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of empty bands and short recordings, which are meant
    made = {"grid": list(grid()), "presets": list(presets()), "mfcc": list(mfcc()), "banks": list(banks())}
    with open("cases.json", "w") as file:
        lines = ",\n".join(
            f' "{kind}": [\n' + ",\n".join("  " + json.dumps(case) for case in cases) + "\n ]"
            for kind, cases in made.items()
        )
        file.write("{\n" + lines + "\n}\n")
    np.save("values.npy", np.concatenate(values))
    if len(sys.argv) > 1:
        musicnn(sys.argv[1])
