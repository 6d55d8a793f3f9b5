// Prints what the built page's process holds of its own after each of ten lessons in a row, and fails where it rises by
// more than a tenth over the last five. No test: it is what docs/results.md states.
import { rmSync } from "node:fs";
import { startBrowser, withPage } from "./browser.mjs";
import { chooseModel, collect, folderOf, madeClips, train } from "./training-page.mjs";
import { ownMemory } from "./memory.mjs";
import { startSite } from "./site.mjs";

const LESSONS = 10;
const JUDGED = 5;
const EPOCHS = 3;
const MOST_RISE = 0.1;

/** The slope of the line nearest to values that follow each other. */
function slope(values) {
  const middle = (values.length - 1) / 2;
  const spread = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
  return values.reduce((sum, value, at) => sum + value * (at - middle), 0) / spread;
}

async function jobs(browser, page, folder) {
  await collect(page, folder, 16, 2);
  await chooseModel(page, "lens", EPOCHS);
  console.log(`Before the first lesson: ${(await ownMemory(browser, page)).toFixed(1)} MiB.`);
  const held = [];
  for (let job = 1; job <= LESSONS; job += 1) {
    await train(page);
    held.push(await ownMemory(browser, page));
    console.log(`After lesson ${job}: ${held.at(-1).toFixed(1)} MiB.`);
  }
  return held;
}

const folder = folderOf(madeClips(8, 2));
const site = await startSite();
const browser = await startBrowser({ webgpu: false });
try {
  const use = (page) => jobs(browser, page, folder);
  const held = await withPage(browser, `${site.address}?engine=cpu&network=net1-gtzan`, use);
  const last = held.slice(-JUDGED);
  const rise = (slope(last) * (JUDGED - 1)) / last[0];
  const [all, late] = [held, last].map((values) => slope(values).toFixed(2));
  console.log(`${all} MiB a lesson over all ${LESSONS}, ${late} over the last ${JUDGED}:`);
  console.log(`${(100 * rise).toFixed(1)} % over those (at most ${100 * MOST_RISE} %).`);
  if (rise > MOST_RISE) process.exitCode = 1;
} finally {
  await browser.close();
  site.stop();
  rmSync(folder, { recursive: true, force: true });
}
