#!/usr/bin/env python3
"""Makes the archives of this folder from the full ones: `shrink.py FULL_FOLDER`.

The full archives hold clips of 19 KB. Here each clip is its first half second in 8 bits, and everything else about the
archive is as it was: the names' bytes, the flags, the methods, the extra fields, what comes before and after. Clips that
cannot be packed anew (encrypted, Deflate64) keep their bytes, and only the first of each folder stays.
"""
import pathlib
import struct
import sys
import zlib

HERE = pathlib.Path(__file__).parent
LOCAL, CENTRAL, END, DESCRIPTOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x07\x08"
STORED, DEFLATED = 0, 8


def short(sound):
    """The first half second of a 16-bit mono WAV file at 8 kHz, in 8 bits; any other file as it is."""
    if not sound.startswith(b"RIFF") or len(sound) != 19244:
        return sound
    samples = struct.unpack("<4000h", sound[44 : 44 + 8000])
    data = bytes(128 + (sample >> 8) for sample in samples)
    head = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVEfmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", len(data))
    return head + data


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def entries(archive, at, count):
    """The records of the directory, as lists of their parts."""
    for _ in range(count):
        fields = list(struct.unpack("<4s6H3I5H2I", archive[at : at + 46]))
        name, extra, remark = fields[10:13]
        end = at + 46 + name + extra + remark
        yield fields, archive[at + 46 : at + 46 + name], archive[at + 46 + name : end]
        at = end


def smaller(archive, replace):
    # The true end record: its directory ends where it begins.
    ends = (at for at in range(len(archive)) if archive.startswith(END, at))
    end = next(at for at in ends if sum(struct.unpack("<II", archive[at + 12 : at + 20])) == at)
    count, _, start = struct.unpack("<HII", archive[end + 10 : end + 20])
    out, directory, kept, folders = archive[:0], b"", 0, set()
    for fields, name, rest in entries(archive, start, count):
        flags, method, packed, place = fields[3], fields[4], fields[8], fields[16]
        local = list(struct.unpack("<4s5H3I2H", archive[place : place + 30]))
        begin = place + 30 + local[9] + local[10]
        extra, payload, after = archive[begin - local[10] : begin], archive[begin : begin + packed], b""
        raw = flags & 1 or method not in (STORED, DEFLATED)
        if raw and not name.endswith(b"/"):
            folder = name.rpartition(b"/")[0]
            if folder in folders:
                continue
            folders.add(folder)
        elif not raw:
            data = zlib.decompress(payload, -15) if method == DEFLATED and payload else payload
            data = replace(name, short(data))
            if len(data) != fields[9]:
                payload = deflate(data) if method == DEFLATED else data
                fields[7:10] = zlib.crc32(data), len(payload), len(data)
        if flags & 8:
            signed = archive.startswith(DESCRIPTOR, begin + packed)
            after = (DESCRIPTOR if signed else b"") + struct.pack("<3I", *fields[7:10])
        else:
            local[6] = fields[7]
            if local[7] == 0xFFFFFFFF:
                extra = extra[:4] + struct.pack("<QQ", fields[9], fields[8]) + extra[20:]
            else:
                local[7:9] = fields[8:10]
        fields[16] = len(out)
        out += struct.pack("<4s5H3I2H", *local) + name + extra + payload + after
        directory += struct.pack("<4s6H3I5H2I", *fields) + name + rest
        kept += 1
    tail = END + archive[end + 4 : end + 8] + struct.pack("<HHII", kept, kept, len(directory), len(out))
    return out + directory + tail + archive[end + 20 :]


def replacement(name, data):
    """Long files of other kinds, by short ones that this repository has."""
    audio = HERE.parent / "audio"
    shorter = {b".aifc": "aifc-sowt.aiff", b".flac": "flac.flac", b".m4b": "m4a.m4a"}
    return next(((audio / file).read_bytes() for end, file in shorter.items() if name.endswith(end)), data)


def main():
    full = pathlib.Path(sys.argv[1])
    for file in sorted([*full.glob("zip_*.zip"), *full.glob("csv/*")]):
        data = file.read_bytes()
        made = HERE / file.relative_to(full)
        made.write_bytes(smaller(data, replacement) if file.suffix == ".zip" else data)
    for name in ["webm_no_duration.webm", "opus_whole.opus"]:
        (HERE / name).write_bytes((full / name).read_bytes())
    lines = (full / "index.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (HERE / "index.tsv").write_text("".join(line for line in lines if "[page]" in line), encoding="utf-8")


main()
