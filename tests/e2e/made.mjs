// Made-up clips that a network can tell apart within a second of teaching.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A second of noise or of a tone, 16-bit mono, a little different each time. */
export function wav(kind, number) {
  const rate = 22050;
  const bytes = Buffer.alloc(44 + 2 * rate);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(36 + 2 * rate, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(2 * rate, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(2 * rate, 40);
  for (let at = 0; at < rate; at += 1) {
    const tone = Math.sin((2 * Math.PI * (300 + 20 * number) * at) / rate);
    const value = kind === "noise" ? Math.random() * 2 - 1 : tone;
    bytes.writeInt16LE(Math.round(value * 9000), 44 + 2 * at);
  }
  return bytes;
}

/** A folder of made-up clips: class → how many. */
export function madeFolder(classes) {
  const folder = mkdtempSync(join(tmpdir(), "genrelens-"));
  for (const [name, count] of Object.entries(classes)) {
    mkdirSync(join(folder, name));
    for (let clip = 0; clip < count; clip += 1) writeFileSync(join(folder, name, `${clip}.wav`), wav(name, clip));
  }
  return folder;
}
