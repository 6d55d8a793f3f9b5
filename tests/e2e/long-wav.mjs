// A recording of two hours, made here: 48 kHz, stereo, 16 bits, 1.38 GB.
import { closeSync, openSync, writeSync } from "node:fs";

const RATE = 48_000;
const CHANNELS = 2;
const FRAME_BYTES = 2 * CHANNELS;
const BLOCK_SECONDS = 10;

/** The header of a WAV file with so many bytes of 16-bit samples. */
function header(dataBytes) {
  const bytes = Buffer.alloc(44);
  bytes.write("RIFF", 0, "latin1");
  bytes.writeUInt32LE(36 + dataBytes, 4);
  bytes.write("WAVEfmt ", 8, "latin1");
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(CHANNELS, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(RATE * FRAME_BYTES, 28);
  bytes.writeUInt16LE(FRAME_BYTES, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36, "latin1");
  bytes.writeUInt32LE(dataBytes, 40);
  return bytes;
}

/** Ten seconds of a chord over a beat, another one for every `turn`. */
function block(turn) {
  const frames = BLOCK_SECONDS * RATE;
  const samples = new Int16Array(frames * CHANNELS);
  const root = 110 * 2 ** (((turn * 5) % 12) / 12);
  const steps = [1, 5 / 4, 3 / 2, 2].map((ratio) => (2 * Math.PI * root * ratio) / RATE);
  let noise = 1 + turn;
  for (let frame = 0; frame < frames; frame += 1) {
    // Park and Miller's generator.
    noise = (noise * 48_271) % 2_147_483_647;
    const beat = Math.exp(-((frame % (RATE / 2)) / RATE) * 20);
    const chord = steps.reduce((sum, step) => sum + Math.sin(step * frame), 0) / steps.length;
    const value = 12_000 * chord + 8_000 * beat * (noise / 1_073_741_823 - 1);
    samples[CHANNELS * frame] = value;
    samples[CHANNELS * frame + 1] = 0.8 * value;
  }
  return Buffer.from(samples.buffer);
}

/** Writes the recording; `seconds` is a multiple of ten. */
export function writeLongWav(file, seconds) {
  const blocks = Array.from({ length: 12 }, (_, turn) => block(turn));
  const handle = openSync(file, "w");
  try {
    writeSync(handle, header(seconds * RATE * FRAME_BYTES));
    for (let index = 0; index < seconds / BLOCK_SECONDS; index += 1) {
      writeSync(handle, blocks[index % blocks.length]);
    }
  } finally {
    closeSync(handle);
  }
}
