// Prints how long every shipped network takes for a recording, on both engines, in the built page: `node
// time-networks.mjs FILE`. No test: it is what docs/results.md states. Median of three on the CPU, one run on the GPU
// engine, where the adapter may be emulated.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startBrowser, withPage } from "./browser.mjs";
import { ROOT } from "./clips.mjs";
import { startSite } from "./site.mjs";

const [file] = process.argv.slice(2);
if (!file) throw new Error("name a recording: node time-networks.mjs FILE");
const list = JSON.parse(readFileSync(join(ROOT, "dist/model-weights/networks.json"), "utf8"));
const site = await startSite();
const browser = await startBrowser();

/** Hears the file once more and gives the time that the page states. */
async function once(page) {
  await page.evaluate(() => { globalThis.states.length = 0; });
  await page.setInputFiles("#file", []);
  await page.setInputFiles("#file", file);
  await page.waitForFunction(() => globalThis.states.includes("done"), null, { timeout: 600_000 });
  const said = await page.textContent("#detail");
  const [, number, unit] = said.match(/in ([\d.]+) (ms|s)\b/);
  return unit === "s" ? 1000 * Number(number) : Number(number);
}

console.log("| network | CPU engine, ms | WebGPU engine, ms |\n|---|---|---|");
for (const { name } of list.networks) {
  const times = [];
  for (const [engine, runs] of [["cpu", 3], ["gpu", 1]]) {
    const query = `${site.address}?engine=${engine}&software=1&network=${name}`;
    const of = await withPage(browser, query, async (page) => {
      await page.waitForFunction((kind) => document.querySelector("#engine").dataset.engine === kind, engine, { timeout: 300_000 });
      const all = [];
      for (let run = 0; run < runs; run += 1) all.push(await once(page));
      return all.sort((a, b) => a - b)[Math.floor(runs / 2)];
    });
    times.push(Math.round(of));
  }
  console.log(`| \`${name}\` | ${times[0]} | ${times[1]} |`);
}
await browser.close();
site.stop();
