// What a visitor does to train a network on the page.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wav } from "./clips.mjs";

const MINUTE = 60_000;

/** A folder with a folder for every class, of `{ name, genre, bytes }`. */
export function folderOf(clips) {
  const folder = mkdtempSync(join(tmpdir(), "genrelens-"));
  for (const { name, genre, bytes } of clips) {
    mkdirSync(join(folder, genre), { recursive: true });
    writeFileSync(join(folder, genre, name), bytes);
  }
  return folder;
}

/** So many clips of so many seconds of each of two classes: tones, and the same with a beat. */
export function madeClips(count, seconds) {
  const tone = (clip) => (time) => 0.3 * Math.sin(2 * Math.PI * (300 + 20 * clip) * time);
  const beaten = (clip) => (time) => tone(clip)(time) * Math.exp(-8 * ((time * 3) % 1));
  const of = ([genre, signal]) =>
    Array.from({ length: count }, (_, clip) => ({
      name: `${clip}.wav`,
      genre,
      bytes: wav(seconds, 22_050, signal(clip)),
    }));
  return [["tone", tone], ["beat", beaten]].flatMap(of);
}

/** Gives the page a folder and waits until so many clips in so many classes are added. */
export async function collect(page, folder, clips, classes) {
  await page.locator('#engine:not([data-engine="none"])').waitFor({ timeout: 2 * MINUTE });
  await page.click("#view-train");
  await page.setInputFiles("#train-folder", folder);
  const expected = new RegExp(`${clips}\\sclips in ${classes} classes`);
  await page.locator("#train-count", { hasText: expected }).waitFor({ timeout: 2 * MINUTE });
}

/** Chooses the model, if the site has it, and the number of epochs. */
export async function chooseModel(page, option, epochs) {
  // The engine lists what it can train.
  const there = page.locator(`#train-model option[value="${option}"]`).waitFor({ state: "attached", timeout: MINUTE });
  await there.catch((cause) => {
    throw new Error(`this site cannot train ${option}; build it with MusiCNN's weights (cargo xtask weights)`, { cause });
  });
  await page.selectOption("#train-model", option);
  if (!epochs) return;
  if (!(await page.locator("#train-epochs").isVisible())) {
    await page.locator("#train summary", { hasText: "All settings" }).click();
  }
  await page.fill("#train-epochs", String(epochs));
}

// Runs in the page: starts a training job and waits until it is over, however soon that is.
function runJob(timeout) {
  return new Promise((resolve, reject) => {
    const place = document.querySelector("#page");
    let begun = false;
    const watch = new MutationObserver(() => {
      begun ||= place.dataset.stage !== "idle";
      if (begun && place.dataset.stage === "idle") resolve();
    });
    watch.observe(place, { attributeFilter: ["data-stage"] });
    setTimeout(() => reject(new Error(`training was not over in ${timeout} ms`)), timeout);
    document.querySelector("#train-start").click();
  });
}

/** Runs a training job to its end; returns what the page says about the results. */
export async function train(page, timeout = 5 * MINUTE) {
  await page.locator("#train-start:enabled").waitFor({ timeout: MINUTE });
  await page.evaluate(runJob, timeout);
  const error = await page.locator("#train-error").innerText();
  if (error || !(await page.locator("#results").isVisible())) throw new Error(`training failed: ${error}`);
  return page.locator("#results-sentence").innerText();
}
