// Clips that need no music: a second of noise or of a tone each.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const RATE = 22050;

/** A second of 16-bit mono, a little different for every number. */
function clip(kind, number) {
  const bytes = Buffer.alloc(44 + 2 * RATE);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(36 + 2 * RATE, 4);
  bytes.write("WAVEfmt ", 8);
  [16, 1 | (1 << 16), RATE, 2 * RATE, 2 | (16 << 16)].forEach((word, at) => bytes.writeUInt32LE(word, 16 + 4 * at));
  bytes.write("data", 36);
  bytes.writeUInt32LE(2 * RATE, 40);
  for (let at = 0; at < RATE; at += 1) {
    const tone = Math.sin((2 * Math.PI * (300 + 20 * number) * at) / RATE);
    bytes.writeInt16LE(Math.round(9000 * (kind === "noise" ? Math.random() * 2 - 1 : tone)), 44 + 2 * at);
  }
  return bytes;
}

/** A folder with a folder for every class: class → how many clips. */
export function folderOf(classes) {
  const folder = mkdtempSync(join(tmpdir(), "genrelens-"));
  for (const [name, count] of Object.entries(classes)) {
    mkdirSync(join(folder, name));
    for (let number = 0; number < count; number += 1) writeFileSync(join(folder, name, `${number}.wav`), clip(name, number));
  }
  return folder;
}
