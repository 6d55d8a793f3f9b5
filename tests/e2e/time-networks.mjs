// Prints how long every shipped network, or those named, take for a recording, in the built page: `node
// time-networks.mjs FILE.wav [NAME…] [--gpu | --gpu=emulated]`. No test: docs/results.md states its figures. Medians of three
// fresh pages: the first recording of each, for which a graphics processor also compiles its programs, and the next. With
// --gpu also on the WebGPU engine, on the machine's own adapter, or on Chromium's emulated one, once.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startBrowser, withPage } from "./browser.mjs";
import { ROOT } from "./clips.mjs";
import { startSite } from "./site.mjs";

const [file, ...names] = process.argv.slice(2).filter((word) => !word.startsWith("--"));
if (!file) throw new Error("name a recording: node time-networks.mjs FILE.wav");
const [gpu, emulated] = ["--gpu", "--gpu=emulated"].map((word) => process.argv.includes(word));
const list = JSON.parse(readFileSync(join(ROOT, "dist/model-weights/networks.json"), "utf8"));
const site = await startSite();
const browser = await startBrowser({ graphics: gpu ? "real" : "emulated" });

const first = readFileSync(file);
// Other bytes, or it would be answered at once: the last sample is another one.
const next = Buffer.from(first);
next[next.length - 1] ^= 1;

/** Classifies a recording and gives the time that the page states, in milliseconds. */
async function classified(page, name, buffer) {
  await page.setInputFiles("#file", { name, mimeType: "audio/wav", buffer });
  const said = () =>
    globalThis.states.slice(globalThis.statesBeforeFile).at(-1) === "done" && document.querySelector("#detail").textContent;
  const detail = await (await page.waitForFunction(said, null, { timeout: 600_000 })).jsonValue();
  const time = detail.match(/in ([\d.]+)\s(ms|s)\b/);
  if (!time) throw new Error(`no time in '${detail}'`);
  return time[2] === "s" ? 1000 * Number(time[1]) : Number(time[1]);
}

const middle = (times) => Math.round(times.sort((a, b) => a - b)[Math.floor(times.length / 2)]);

/** The medians of so many pages: of the first recording and of the next. */
async function measured(engine, name, pages) {
  const times = [[], []];
  for (let run = 0; run < pages; run += 1) {
    const inUse = (kind) => document.querySelector("#engine").dataset.engine === kind;
    await withPage(browser, `${site.address}?engine=${engine}&software=1&network=${name}`, async (page) => {
      await page.waitForFunction(inUse, engine, { timeout: 300_000 });
      if (engine === "gpu" && !told) told = await page.locator("#engine").textContent();
      // Chromium takes its emulated adapter without a word where the machine's own fails.
      if (engine === "gpu" && gpu && /emulated/.test(told)) throw new Error(`no graphics processor: ${told}`);
      times[0].push(await classified(page, "first.wav", first));
      times[1].push(await classified(page, "next.wav", next));
    });
  }
  return pages ? times.map(middle) : ["–", "–"];
}

let told = "";
console.log("| network | CPU engine, ms: first | next | WebGPU engine, ms: first | next |\n|---|---|---|---|---|");
for (const { name } of list.networks.filter(({ name }) => !names.length || names.includes(name))) {
  const cells = [...(await measured("cpu", name, 3)), ...(await measured("gpu", name, gpu ? 3 : Number(emulated)))];
  console.log(`| \`${name}\` | ${cells.join(" | ")} |`);
}
if (told) console.log(`\n${told}`);
await browser.close();
site.stop();
