// Other builds of the page, made out of the one that is tested.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./clips.mjs";
import { DIST } from "./site.mjs";

/** The name of a file of a build: with a hash of its content, or without one. */
export const fileNamed = (folder, name) =>
  readdirSync(folder).find((found) => found.replace(/-[0-9a-f]{16}(?=\.)/, "") === name);

/** The built page with one harmless change, and one by `change(folder)`, finished as every build is. */
export function anotherBuild(change) {
  const folder = copy();
  appendFileSync(join(folder, fileNamed(folder, "start.js")), "// Another build.\n");
  change?.(folder);
  finish(folder);
  return folder;
}

/** The built page as `cargo xtask serve` serves it first, before its GPU engine is built. */
export function buildWithoutGpu() {
  const folder = copy();
  const whole = (name) => name.startsWith("gpu_worker") || name === "service-worker.js";
  readdirSync(folder).filter(whole).forEach((name) => rmSync(join(folder, name)));
  finish(folder, { GENRELENS_ENGINES: "cpu" });
  return folder;
}

function copy() {
  const folder = join(mkdtempSync(join(tmpdir(), "genrelens-")), "dist");
  cpSync(DIST, folder, { recursive: true });
  return folder;
}

/** Does what a build does last. */
function finish(folder, settings = {}) {
  const xtask = process.env.GENRELENS_XTASK;
  if (!xtask) throw new Error("GENRELENS_XTASK names no xtask: run this through `cargo xtask test e2e`");
  execFileSync(xtask, ["post-build"], { cwd: ROOT, env: { ...process.env, ...settings, TRUNK_STAGING_DIR: folder } });
}

/** Other weights for a network, by the last digit of one of them, and the card that goes with them. Returns their SHA-256. */
export function retrain(folder, name) {
  const file = join(folder, "model-weights", name);
  const weights = readFileSync(`${file}.safetensors`);
  weights[weights.length - 2] ^= 1;
  writeFileSync(`${file}.safetensors`, weights);
  const card = JSON.parse(readFileSync(`${file}.json`, "utf8"));
  card.sha256 = createHash("sha256").update(weights).digest("hex");
  writeFileSync(`${file}.json`, JSON.stringify(card));
  return card.sha256;
}
