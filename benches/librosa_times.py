"""Times librosa on the samples of benches/common/signal.rs, for the front ends in the JSON file named by the argument.

Prints a line for every median: key, what, runs, milliseconds. Fails where librosa's mel values are not ours.
"""

import json
import statistics
import sys
import time

import librosa
import numpy as np
from threadpoolctl import threadpool_info

SECONDS = 30
WARM_UP = 5
RUNS = 40


def noise(index):
    bits = index.astype(np.uint32)
    bits = (bits ^ (bits >> 16)) * np.uint32(0x7FEB352D)
    bits = (bits ^ (bits >> 15)) * np.uint32(0x846CA68B)
    return (bits ^ (bits >> 16)) / 2.0**31 - 1.0


def chirp(sample_rate):
    index = np.arange(SECONDS * sample_rate)
    seconds = index / sample_rate
    phase = 2.0 * np.pi * (100.0 + 100.0 * seconds) * seconds
    return (0.5 * np.sin(phase) + 0.05 * noise(index)).astype(np.float32)


def works(front_end):
    """The call as everybody writes it, and the same with the filter bank made before."""
    rate, n_fft = front_end["sample_rate"], front_end["n_fft"]
    samples = chirp(rate)
    frames = {
        "n_fft": n_fft,
        "hop_length": front_end["hop_length"],
        "center": front_end["centred"],
        "pad_mode": front_end["padding"],
    }
    bank = {
        "n_mels": front_end["mel_bands"],
        "fmin": front_end["f_min"],
        "fmax": front_end["f_max"],
        "htk": front_end["mel_scale"] == "htk",
        "norm": "slaney" if front_end["mel_norm"] == "slaney" else None,
    }
    power = 2.0 if front_end["spectrum"] == "power" else 1.0
    filters = librosa.filters.mel(sr=rate, n_fft=n_fft, **bank)

    def called():
        return librosa.feature.melspectrogram(y=samples, sr=rate, power=power, **frames, **bank)

    def precomputed():
        return np.einsum("ft,mf->mt", np.abs(librosa.stft(samples, **frames)) ** power, filters, optimize=True)

    return called, precomputed


def median_ms(work):
    for _ in range(WARM_UP):
        work()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(1000.0 * (time.perf_counter() - start))
    return statistics.median(times)


def compare(front_end, values):
    ratio = float(values.sum(dtype=np.float64)) / front_end["sum"]
    if abs(ratio - 1.0) > 1e-4:
        sys.exit(f"{front_end['name']}: librosa's mel values are {ratio} times ours: they compute something else")


def main():
    threads = max((pool["num_threads"] for pool in threadpool_info()), default=1)
    what = f"librosa {librosa.__version__}, BLAS on {threads} threads"
    with open(sys.argv[1], encoding="utf-8") as file:
        front_ends = json.load(file)
    for front_end in front_ends:
        called, precomputed = works(front_end)
        compare(front_end, called())
        name = front_end["name"]
        print("librosa/" + name, f"{what}, {name}", RUNS, median_ms(called), sep="\t")
        banked = f"{what}, filter bank made before, {name}"
        print("librosa-bank/" + name, banked, RUNS, median_ms(precomputed), sep="\t")


if __name__ == "__main__":
    main()
