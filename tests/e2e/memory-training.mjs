// Prints the memory of the built page's process after each of ten training runs in a row, and fails if it rises by more
// than a tenth over the last five. No test: docs/results.md states its figures.
import { rmSync } from "node:fs";
import { startBrowser, withPage } from "./browser.mjs";
import { chooseModel, collect, folderOf, madeClips, train } from "./training-page.mjs";
import { ownMemory } from "./memory.mjs";
import { startSite } from "./site.mjs";

const RUNS = 10;
const LAST_RUNS = 5;
const EPOCHS = 3;
const MOST_RISE = 0.1;

/** The slope of the line nearest to values that follow each other. */
function slope(values) {
  const middle = (values.length - 1) / 2;
  const spread = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
  return values.reduce((sum, value, at) => sum + value * (at - middle), 0) / spread;
}

async function runs(browser, page, folder) {
  await collect(page, folder, 16, 2);
  await chooseModel(page, "lens", EPOCHS);
  console.log(`Before the first run: ${(await ownMemory(browser, page)).toFixed(1)} MiB.`);
  const memory = [];
  for (let run = 1; run <= RUNS; run += 1) {
    await train(page);
    memory.push(await ownMemory(browser, page));
    console.log(`After run ${run}: ${memory.at(-1).toFixed(1)} MiB.`);
  }
  return memory;
}

const folder = folderOf(madeClips(8, 2));
const site = await startSite();
const browser = await startBrowser({ webgpu: false });
try {
  const use = (page) => runs(browser, page, folder);
  const memory = await withPage(browser, `${site.address}?engine=cpu&network=net1-gtzan`, use);
  const last = memory.slice(-LAST_RUNS);
  const rise = (slope(last) * (LAST_RUNS - 1)) / last[0];
  const [all, late] = [memory, last].map((values) => slope(values).toFixed(2));
  console.log(`${all} MiB a run over all ${RUNS}, ${late} over the last ${LAST_RUNS}:`);
  console.log(`${(100 * rise).toFixed(1)} % over those (at most ${100 * MOST_RISE} %).`);
  if (rise > MOST_RISE) process.exitCode = 1;
} finally {
  await browser.close();
  site.stop();
  rmSync(folder, { recursive: true, force: true });
}
