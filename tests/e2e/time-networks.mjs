// Prints how long every shipped network, or those named, take for a recording, in the built page: `node
// time-networks.mjs FILE [NAME…] [--gpu]`. No test: it is what docs/results.md states. Median of three on the CPU engine;
// with --gpu also one run on the GPU engine, where the adapter may be emulated.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startBrowser, withPage } from "./browser.mjs";
import { ROOT } from "./clips.mjs";
import { startSite } from "./site.mjs";

const [file, ...names] = process.argv.slice(2).filter((word) => word !== "--gpu");
if (!file) throw new Error("name a recording: node time-networks.mjs FILE");
const list = JSON.parse(readFileSync(join(ROOT, "dist/model-weights/networks.json"), "utf8"));
const site = await startSite();
const browser = await startBrowser();

/** Hears the file and gives the time that the page states, in milliseconds. */
async function once(page) {
  await page.setInputFiles("#file", file);
  const said = () => document.querySelector("#page").dataset.state === "done" && document.querySelector("#detail").textContent;
  const detail = await (await page.waitForFunction(said, null, { timeout: 600_000 })).jsonValue();
  const time = detail.match(/in ([\d.]+)\s(ms|s)\b/);
  if (!time) throw new Error(`no time in '${detail}'`);
  return time[2] === "s" ? 1000 * Number(time[1]) : Number(time[1]);
}

console.log("| network | CPU engine, ms | WebGPU engine, ms |\n|---|---|---|");
for (const { name } of list.networks.filter(({ name }) => !names.length || names.includes(name))) {
  const times = [];
  for (const [engine, runs] of [["cpu", 3], ["gpu", process.argv.includes("--gpu") ? 1 : 0]]) {
    const query = `${site.address}?engine=${engine}&software=1&network=${name}`;
    const all = [];
    // A fresh page each time: the same file again would be answered at once.
    for (let run = 0; run < runs; run += 1) {
      const inUse = (kind) => document.querySelector("#engine").dataset.engine === kind;
      await withPage(browser, query, async (page) => {
        await page.waitForFunction(inUse, engine, { timeout: 300_000 });
        all.push(await once(page));
      });
    }
    const of = all.sort((a, b) => a - b)[Math.floor(runs / 2)];
    times.push(of === undefined ? "–" : Math.round(of));
  }
  console.log(`| \`${name}\` | ${times[0]} | ${times[1]} |`);
}
await browser.close();
site.stop();
