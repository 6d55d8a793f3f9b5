#!/usr/bin/env python3
"""Makes the sample files beside it: one tiny file for every variant of every format that `genrelens::audio` reads, and
some of those that it refuses. `python3 make.py` writes them all again, to the same bytes.

The uncompressed ones need nothing but Python 3.8. The compressed ones were made by ffmpeg 5.1.9 of Debian 12 with its
libmp3lame 3.100, libvorbis 1.3.7 and libopus 1.3.1 (`apt-get install ffmpeg`); other versions give other bytes, so
without ffmpeg they are left as they are.

`mp3-block-types.mp3` is the beginning of a file by LAME 3.100 (96 kbit/s, 32 kHz, dual channel) of a sound with attacks in
the left channel only, whose blocks therefore differ from those of the right one.

The sound, at t seconds: the left channel, or the only one, is 0.5 sin(2 pi 440 t), the right one 0.25 sin(2 pi 880 t).
"""

import math
import shutil
import struct
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
RATE, FRAMES = 8000, 400
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def frames(rate=RATE, count=FRAMES, channels=2):
    """Rows of samples, one a channel."""
    row = [(0.5, 440), (0.25, 880)][:channels]
    return [[a * math.sin(2 * math.pi * f * n / rate) for a, f in row] for n in range(count)]


def integer(bits, container=None, order="little", signed=True, left=True):
    """A coder of samples to integers, left- or right-justified in a container of so many bits."""
    container = container or bits
    shift = container - bits if left else 0

    def code(x):
        top = 1 << (bits - 1)
        value = max(-top, min(top - 1, round(x * top))) << shift
        value += 0 if signed else 1 << (container - 1)
        return (value & ((1 << container) - 1)).to_bytes(container // 8, order)

    return code


def float_of(letter, order="<"):
    return lambda x: struct.pack(order + letter, x)


def a_law(x):
    """ITU-T G.711, from 13 bits."""
    value = max(-4096, min(4095, round(x * 4096)))
    sign, value = (0x80, value) if value >= 0 else (0, -value - 1)
    exponent = max(0, value.bit_length() - 5)
    mantissa = (value >> max(1, exponent)) & 15
    return bytes([(sign | exponent << 4 | mantissa) ^ 0x55])


def mu_law(x):
    """ITU-T G.711, from 14 bits."""
    value = max(-8158, min(8158, round(x * 8192)))
    sign, value = (0x80, -value + 33) if value < 0 else (0, value + 33)
    exponent = value.bit_length() - 6
    return bytes([~(sign | exponent << 4 | (value >> (exponent + 1)) & 15) & 0xFF])


def sound(code, channels=2):
    return b"".join(code(x) for row in frames(channels=channels) for x in row)


def chunk(name, body, order="<", pad=True, size=None):
    padding = b"\0" if pad and len(body) % 2 else b""
    return name + struct.pack(order + "I", len(body) if size is None else size) + body + padding


def fmt(tag, channels, bits, more=b"", order="<", block=None):
    block = block or channels * ((bits + 7) // 8)
    return chunk(b"fmt ", struct.pack(order + "HHIIHH", tag, channels, RATE, RATE * block, block, bits) + more, order)


def extensible(tag, valid_bits, order="<"):
    return struct.pack("<HHIH", 22, valid_bits, 3, tag) + GUID_TAIL


def riff(*chunks, name=b"RIFF", size=None, order="<"):
    body = b"WAVE" + b"".join(chunks)
    return name + struct.pack(order + "I", len(body) if size is None else size) + body


def wav_files():
    s16 = sound(integer(16))
    f16, d16 = fmt(1, 2, 16), chunk(b"data", s16)
    yield "wav-u8", riff(fmt(1, 1, 8), chunk(b"data", sound(integer(8, signed=False), 1)))
    yield "wav-s16", riff(f16, d16)
    yield "wav-s12", riff(fmt(1, 2, 12), chunk(b"data", sound(integer(12, 16))))
    yield "wav-s20", riff(fmt(1, 2, 20), chunk(b"data", sound(integer(20, 24))))
    yield "wav-s24", riff(fmt(1, 2, 24), chunk(b"data", sound(integer(24))))
    yield "wav-s24-in-32", riff(fmt(1, 2, 24, block=8), chunk(b"data", sound(integer(24, 32, left=False))))
    yield "wav-s24-in-32-left", riff(fmt(1, 2, 24, block=8), chunk(b"data", sound(integer(24, 32))))
    yield "wav-s20-right", riff(fmt(1, 2, 20), chunk(b"data", sound(integer(20, 24, left=False))))
    yield "wav-block-align-in-bits", riff(fmt(1, 2, 16, block=32), d16)
    yield "wav-extensible-short", riff(fmt(0xFFFE, 2, 16, b"\0\0"), d16)
    yield "wav-s32", riff(fmt(1, 2, 32), chunk(b"data", sound(integer(32))))
    yield "wav-f32", riff(fmt(3, 2, 32, b"\0\0"), chunk(b"fact", struct.pack("<I", FRAMES)), chunk(b"data", sound(float_of("f"))))
    yield "wav-f64", riff(fmt(3, 2, 64, b"\0\0"), chunk(b"data", sound(float_of("d"))))
    yield "wav-alaw", riff(fmt(6, 2, 8, b"\0\0"), chunk(b"data", sound(a_law)))
    yield "wav-mulaw", riff(fmt(7, 2, 8, b"\0\0"), chunk(b"data", sound(mu_law)))
    for name, tag, bits, valid, code in [
        ("s16", 1, 16, 16, integer(16)), ("s20", 1, 24, 20, integer(20, 24)), ("s24-in-32", 1, 32, 24, integer(24, 32)),
        ("f32", 3, 32, 32, float_of("f")), ("f64", 3, 64, 64, float_of("d")), ("alaw", 6, 8, 8, a_law), ("mulaw", 7, 8, 8, mu_law),
    ]:
        yield "wav-extensible-" + name, riff(fmt(0xFFFE, 2, bits, extensible(tag, valid)), chunk(b"data", sound(code)))
    odd = b"INFOISFT\x07\0\0\0made-up"
    before = [chunk(b"JUNK", bytes(28)), chunk(b"bext", bytes(602)), chunk(b"id3 ", b"ID3\3" + bytes(7))]
    yield "wav-many-chunks", riff(*before, f16, chunk(b"PEAK", bytes(24)), chunk(b"LIST", odd), d16, chunk(b"cue ", bytes(4)))
    yield "wav-odd-without-pad", riff(chunk(b"LIST", odd, pad=False), f16, d16)
    yield "wav-odd-pad-not-zero", riff(chunk(b"LIST", odd, pad=False) + b"\xFF", f16, d16)
    yield "wav-data-first", riff(d16, f16)
    yield "wav-sizes-zero", riff(f16, chunk(b"data", s16, size=0), size=0)
    yield "wav-sizes-unknown", riff(f16, chunk(b"data", s16, size=0xFFFFFFFF), size=0xFFFFFFFF)
    yield "wav-sizes-off", riff(f16, chunk(b"data", s16, size=len(s16) + 36), size=len(s16))
    yield "wav-cut-in-a-frame", riff(f16, d16)[:-3]
    yield "rifx-s16", riff(fmt(1, 2, 16, order=">"), chunk(b"data", sound(integer(16, order="big")), ">"), name=b"RIFX", order=">")
    s24_be = sound(lambda x: integer(24, 32)(x)[::-1])
    yield "rifx-s24-in-32-left", riff(fmt(1, 2, 24, order=">", block=8), chunk(b"data", s24_be, ">"), name=b"RIFX", order=">")
    yield "rifx-f64", riff(fmt(3, 1, 64, order=">"), chunk(b"data", sound(float_of("d", ">"), 1), ">"), name=b"RIFX", order=">")
    lengths = struct.pack("<QQQ", 0, len(s16), FRAMES)
    unknown = chunk(b"data", s16, size=0xFFFFFFFF)
    more = chunk(b"LIST", b"INFO")
    yield "rf64", riff(chunk(b"ds64", lengths + bytes(4)), f16, unknown + more, name=b"RF64", size=0xFFFFFFFF)
    yield "bw64", riff(chunk(b"ds64", lengths + bytes(4)), f16, chunk(b"chna", bytes(4)), unknown, name=b"BW64", size=0xFFFFFFFF)
    table = lengths + struct.pack("<I4sQ", 1, b"axml", 6)
    axml = chunk(b"axml", b"<a>b</", size=0xFFFFFFFF)
    yield "rf64-table", riff(chunk(b"ds64", table), axml, f16, unknown + more, name=b"RF64", size=0xFFFFFFFF)


def au(encoding, body, channels=2, size=None, annotation=b"made-up\0"):
    size = len(body) if size is None else size
    return b".snd" + struct.pack(">IIIII", 24 + len(annotation), size, encoding, RATE, channels) + annotation + body


def au_files():
    yield "au-mulaw", au(1, sound(mu_law))
    yield "au-s8", au(2, sound(integer(8)))
    s16 = sound(integer(16, order="big"))
    yield "au-s16", au(3, s16)
    yield "au-s24", au(4, sound(integer(24, order="big")))
    yield "au-s32", au(5, sound(integer(32, order="big")))
    yield "au-f32", au(6, sound(float_of("f", ">")))
    yield "au-f64", au(7, sound(float_of("d", ">"), 1), 1)
    yield "au-alaw", au(27, sound(a_law))
    yield "au-size-unknown", au(3, s16, size=0xFFFFFFFF)
    yield "au-long-annotation", au(3, s16, annotation=b"a" * 200)
    yield "au-no-annotation", au(3, s16, annotation=b"")


def aiff(kind, bits, code, channels=2, frames_said=FRAMES):
    rate = struct.pack(">HQ", 16383 + 12, RATE << (63 - 12))
    comm = struct.pack(">HIH", channels, frames_said, bits) + rate
    if kind:
        comm += kind + b"\x07made-up"
    body = chunk(b"COMM", comm, ">") + chunk(b"SSND", bytes(8) + sound(code, channels), ">")
    form = b"AIFC" + chunk(b"FVER", bytes.fromhex("a2805140"), ">") if kind else b"AIFF"
    return chunk(b"FORM", form + body, ">")


def aiff_files():
    yield "aiff-s8", aiff(None, 8, integer(8))
    yield "aiff-s16", aiff(None, 16, integer(16, order="big"))
    yield "aiff-s12", aiff(None, 12, integer(12, 16, order="big"))
    yield "aiff-s24", aiff(None, 24, integer(24, order="big"))
    yield "aiff-s32", aiff(None, 32, integer(32, order="big"))
    yield "aifc-none", aiff(b"NONE", 16, integer(16, order="big"))
    yield "aifc-sowt", aiff(b"sowt", 16, integer(16))
    yield "aifc-raw", aiff(b"raw ", 8, integer(8, signed=False))
    yield "aifc-in24", aiff(b"in24", 24, integer(24, order="big"))
    yield "aifc-fl32", aiff(b"fl32", 32, float_of("f", ">"))
    yield "aifc-fl64", aiff(b"fl64", 64, float_of("d", ">"), 1)
    yield "aifc-alaw", aiff(b"alaw", 8, a_law)
    yield "aifc-ulaw", aiff(b"ulaw", 8, mu_law)
    yield "aiff-frames-unknown", aiff(None, 16, integer(16, order="big"), frames_said=0)
    # As ffmpeg writes to a pipe.
    piped = bytearray(aiff(None, 16, integer(16, order="big"), frames_said=0))
    for size_at in (4, 42):
        piped[size_at : size_at + 4] = bytes(4)
    yield "aiff-sizes-zero", bytes(piped)


def crc(data, polynomial, bits):
    value = 0
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = value << 1 ^ (polynomial if value >> (bits - 1) & 1 else 0)
            value &= (1 << bits) - 1
    return value.to_bytes(bits // 8, "big")


def flac_escape():
    """A single frame whose residuals are plain binary numbers (RFC 9639, 9.2.7.1), which encoders hardly ever write."""
    width, wide = 16, 17
    fields = ""
    for channel in range(2):
        row = [round(frame[channel] * 32767) for frame in frames()]
        # Predicted by the sample before; then one partition, the escape code, and the width of the residuals.
        fields += "00010010" + format(row[0] & 0xFFFF, "016b") + "00" + "0000" + "1111" + format(wide, "05b")
        fields += "".join(format(b - a & (1 << wide) - 1, f"0{wide}b") for a, b in zip(row, row[1:]))
    fields += "0" * (-len(fields) % 8)
    head = bytes([0xFF, 0xF8, 0x74, 0x18, 0]) + struct.pack(">H", FRAMES - 1)
    frame = head + crc(head, 0x07, 8) + int(fields, 2).to_bytes(len(fields) // 8, "big")
    packed = (RATE << 44 | 1 << 41 | width - 1 << 36 | FRAMES).to_bytes(8, "big")
    info = struct.pack(">HH", FRAMES, FRAMES) + bytes(6) + packed + bytes(16)
    return b"fLaC\x80\0\0\x22" + info + frame + crc(frame, 0x8005, 16)


def encoded_files():
    """Names, the seconds and the rate of what goes in, and ffmpeg's arguments."""
    yield "wav-ima.wav", 0.25, 8000, "-c:a adpcm_ima_wav -block_size 256"
    yield "wav-ima-mono.wav", 0.25, 8000, "-c:a adpcm_ima_wav -block_size 256 -ac 1"
    yield "wav-ms.wav", 0.25, 8000, "-c:a adpcm_ms -block_size 256"
    yield "wav-ms-mono.wav", 0.25, 8000, "-c:a adpcm_ms -block_size 256 -ac 1"
    yield "mp3.mp3", 0.2, 44100, "-c:a libmp3lame -b:a 128k"
    yield "mp3-without-tags.mp3", 0.2, 44100, "-c:a libmp3lame -b:a 96k -write_xing 0 -id3v2_version 0"
    yield "mp3-vbr-mono.mp3", 0.2, 44100, "-c:a libmp3lame -q:a 5 -ac 1 -metadata title=made-up"
    yield "mp3-mpeg2.mp3", 0.2, 22050, "-c:a libmp3lame -b:a 64k"
    yield "aac.aac", 0.2, 44100, "-c:a aac -q:a 4"
    yield "m4a.m4a", 0.2, 44100, "-c:a aac -q:a 4"
    yield "m4a-moov-first.m4a", 0.2, 44100, "-c:a aac -q:a 4 -movflags faststart"
    yield "refused-fragments.mp4", 0.2, 44100, "-c:a aac -q:a 4 -movflags frag_keyframe+empty_moov -frag_duration 100000"
    yield "alac.m4a", 0.1, 22050, "-c:a alac -sample_fmt s16p"
    yield "alac-24.m4a", 0.05, 22050, "-c:a alac -sample_fmt s32p"
    yield "flac.flac", 0.05, 16000, "-c:a flac -sample_fmt s16 -frame_size 192"
    yield "flac-24.flac", 0.03, 16000, "-c:a flac -sample_fmt s32"
    yield "refused-flac.ogg", 0.02, 16000, "-c:a flac"
    yield "refused-vorbis.ogg", 0.2, 44100, "-c:a libvorbis -q:a 2"
    yield "refused-opus.opus", 2, 48000, "-c:a libopus -b:a 16k"
    yield "refused-webm.webm", 0.1, 48000, "-c:a libopus -b:a 32k"
    yield "refused-wma.wma", 0.1, 44100, "-c:a wmav2 -b:a 64k"
    yield "refused-mp2.mp2", 0.1, 44100, "-c:a mp2 -b:a 64k"
    yield "refused-surround.m4a", 0.1, 44100, "-c:a aac -b:a 96k -ac 6 "
    yield "refused-ac3.mp4", 0.1, 44100, "-c:a ac3 -b:a 96k"


def encode(name, seconds, rate, arguments):
    mono = "-ac 1" in arguments
    rows = frames(rate, round(seconds * rate), 1 if mono else 2)
    code = integer(24, 32)
    body = b"".join(code(x) for row in rows for x in row)
    source = ["-f", "s32le", "-ar", str(rate), "-ac", "1" if mono else "2", "-i", "-"]
    exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1"]
    command = ["ffmpeg", "-v", "error", "-y", *source, *exact, *arguments.split(), str(HERE / name)]
    subprocess.run(command, input=body, check=True)


def main():
    (HERE / "flac-escape.flac").write_bytes(flac_escape())
    endings = [(wav_files, ".wav"), (au_files, ".au"), (aiff_files, ".aiff")]
    for files, ending in endings:
        for name, content in files():
            (HERE / (name + ending)).write_bytes(content)
    if not shutil.which("ffmpeg"):
        print("The compressed files are left as they are: there is no ffmpeg.")
        return
    for file in encoded_files():
        encode(*file)

main()
