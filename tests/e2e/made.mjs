// Made-up clips that a network can tell apart within a second of training.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wav as file } from "./clips.mjs";

/** A second of noise or of a tone, 16-bit mono, a little different for every number. */
export function wav(kind, number) {
  const noise = () => 0.55 * (Math.random() - 0.5);
  const tone = (seconds) => 0.27 * Math.sin(2 * Math.PI * (300 + 20 * number) * seconds);
  return file(1, 22_050, kind === "noise" ? noise : tone);
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
