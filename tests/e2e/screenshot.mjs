// Makes docs/screenshot.png: the built page after it has analyzed a synthetic recording. `node screenshot.mjs [FILE.png]`.
import { fileURLToPath } from "node:url";
import { startBrowser, withPage } from "./browser.mjs";
import { wav } from "./clips.mjs";
import { outcome } from "./genrelens-page.mjs";
import { startSite } from "./site.mjs";

const [file = fileURLToPath(new URL("../../docs/screenshot.png", import.meta.url))] = process.argv.slice(2);
const RATE = 22_050;
const SECONDS = 24;
const BEAT = 0.5;
/** Roots of the four chords, in Hz: A, F, C, G. */
const ROOTS = [110, 87.31, 130.81, 98];

/** A pseudo-random number from -1 to 1 that is the same in every run. */
const noise = (index) => 2 * Math.abs((Math.sin(index * 12.9898) * 43_758.5453) % 1) - 1;

/** One sample of a song: kick and hi-hat, bass and chords; the drums pause in the middle. */
function sample(index) {
  const time = index / RATE;
  const beat = time % BEAT;
  const root = ROOTS[Math.floor(time / (4 * BEAT)) % ROOTS.length];
  const saw = (hz) => 2 * ((time * hz) % 1) - 1;
  const chord = [2, 2.4, 3].reduce((sum, ratio) => sum + Math.sin(2 * Math.PI * root * ratio * time), 0) / 3;
  const bass = saw(root) * Math.exp(-3 * beat);
  const kick = Math.sin(2 * Math.PI * (50 + 120 * Math.exp(-30 * beat)) * beat) * Math.exp(-9 * beat);
  const hat = noise(index) * Math.exp(-60 * ((time + BEAT / 2) % BEAT));
  const drums = time > 9 && time < 15 ? 0 : 0.5 * kick + 0.12 * hat;
  return 0.22 * chord + 0.18 * bass + drums;
}

/** The song as a file. Beats may exceed the range of 16 bits, and are cut off there. */
function song() {
  return wav(SECONDS, RATE, (time) => (32_000 / 32_767) * Math.max(-1, Math.min(1, sample(Math.round(time * RATE)))));
}

const site = await startSite();
const browser = await startBrowser({ webgpu: false });
// One network, so that the picture does not depend on which weights are at hand.
await withPage(browser, `${site.address}?engine=cpu&network=scratch-best`, async (page) => {
  await page.locator('#network-choice[data-in-use="scratch-best"]').waitFor({ timeout: 60_000 });
  const recording = { name: "synthetic song.wav", mimeType: "audio/wav", buffer: song() };
  const state = await outcome(page, () => page.setInputFiles("#file", recording));
  if (state !== "done") throw new Error(`the page could not analyze the recording: ${state}`);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: file });
}, { height: 1220 });
await browser.close();
site.stop();
console.log(file);
