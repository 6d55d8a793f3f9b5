// Prints how long an epoch of net1 takes on both engines of the built page, and by TensorFlow.js in the same browser:
// `node time-training.mjs [NAME…] [--gpu]`, each NAME a row of the table below. No test: docs/results.md states its figures.
// The graphics adapter is Chromium's emulated one, or with --gpu the machine's own.
import { startBrowser, withPage } from "../../tests/e2e/browser.mjs";
import { startSite } from "../../tests/e2e/site.mjs";
import { beside, PAGE } from "./beside.mjs";
import { median } from "./times.mjs";

// With 128 bands and ten classes.
const PARAMETERS = 870_090;
// What runs on emulated graphics does a tenth of an epoch, one step, which is then taken ten times.
const WHOLE = { part: 1, epochs: 4 };
const TENTH = { part: 10, epochs: 3 };
const REAL = process.argv.includes("--gpu");
const GRAPHICS = REAL ? WHOLE : TENTH;

const CONTESTANTS = [
  { name: "cpu", who: "GenreLens, CPU engine", by: "ours", work: WHOLE },
  { name: "gpu", who: "GenreLens, WebGPU engine", by: "ours", work: GRAPHICS },
  { name: "tfjs-webgpu", who: "TensorFlow.js, webgpu", by: "tensorflow", backend: "webgpu", work: GRAPHICS },
  { name: "tfjs-webgl", who: "TensorFlow.js, webgl", by: "tensorflow", backend: "webgl", work: GRAPHICS },
  { name: "tfjs-wasm", who: "TensorFlow.js, wasm", by: "tensorflow", backend: "wasm", work: TENTH },
];

/** Runs a contestant in a page of its own, so that nothing is left of the one before. */
function measured(browser, site, { name, by, backend, work }) {
  const use = (page) => {
    const call = [by, backend ?? name, work];
    return page.evaluate(async ([by, kind, work]) => {
      const training = await import("./training.mjs");
      // A refusal is a result too.
      return training[by](kind, work).catch((error) => ({ refused: error.message }));
    }, call);
  };
  return withPage(browser, `${site.address}${PAGE}`, use, { prepare: (page) => beside(page) });
}

function row({ who, work }, found) {
  if (found.refused) return `| ${who} | – | refused: ${found.refused.split("\n")[0]} |`;
  const { ends, losses, parameters, adapter, version } = found;
  if (parameters !== PARAMETERS) throw new Error(`${who} trains ${parameters} parameters and not ${PARAMETERS}`);
  if (!losses.every(Number.isFinite)) throw new Error(`${who} lost its way: ${losses}`);
  const times = ends.slice(1).map((end, at) => end - ends[at]);
  const [first, ...others] = times.map((time) => time / 1000);
  const scaled = work.part > 1 ? "a tenth of it, times ten" : "all of it";
  const how = `median of ${others.length} that did ${scaled}; before them one that warmed up, ${first.toFixed(1)} s`;
  const what = [who, version, adapter].filter(Boolean).join(" ");
  return `| ${what} | ${(work.part * median(others)).toFixed(2)} | ${how} |`;
}

const names = process.argv.slice(2).filter((word) => word !== "--gpu");
const unknown = names.find((name) => !CONTESTANTS.some((one) => one.name === name));
if (unknown) throw new Error(`there is no ${unknown}: ${CONTESTANTS.map(({ name }) => name).join(", ")}`);
const site = await startSite();
const browser = await startBrowser({ graphics: REAL ? "real" : "emulated" });
try {
  console.log(`net1 from random weights, 320 windows in steps of 32 and 20 for validation, Chromium ${browser.version()}\n`);
  console.log("| who | seconds an epoch | measured |\n|---|---|---|");
  for (const contestant of CONTESTANTS.filter(({ name }) => !names.length || names.includes(name))) {
    console.log(row(contestant, await measured(browser, site, contestant)));
  }
} finally {
  await browser.close();
  site.stop();
}
