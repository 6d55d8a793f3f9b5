// Prints how soon a cancelled training job is over: on the CPU engine in the built page, at seven moments of embedding
// and eight of training, for the visitor and for the engine, which ends the window or step that it is in; on the WebGPU
// engine, whose adapter may be emulated, at five moments of training, beside the time of a step. Fails if the visitor
// waits longer than is promised. No test: docs/results.md states its figures.
// `node time-cancel.mjs [--cpu | --gpu]`
import { rmSync } from "node:fs";
import { beside, PAGE } from "../../benches/browser/beside.mjs";
import { startBrowser, withPage } from "./browser.mjs";
import { chooseModel, collect, folderOf, madeClips } from "./training-page.mjs";
import { startSite } from "./site.mjs";

const MINUTE = 60_000;
const MOST_MILLISECONDS = 250;
const MOMENTS = { embedding: 7, training: 8 };
const GPU_MOMENTS = [0.05, 0.25, 0.45, 0.65, 0.85];

// Runs in the page before its own scripts: notes which requests of training jobs the workers have not answered yet, and
// when the last answer came.
function noteWork() {
  globalThis.work = { open: new Set(), endedAt: 0 };
  const onTheWay = ["Step", "Epoch", "Checkpoint", "Warning", "Progress"];
  const NativeWorker = globalThis.Worker;
  globalThis.Worker = class extends NativeWorker {
    constructor(...parameters) {
      super(...parameters);
      this.open = new Map();
      this.addEventListener("message", ({ data: { head } }) => {
        const key = this.open.get(head?.id);
        const name = typeof head?.body === "string" ? head.body : Object.keys(head?.body ?? {})[0];
        if (!key || onTheWay.includes(name)) return;
        this.open.delete(head.id);
        globalThis.work.open.delete(key);
        globalThis.work.endedAt = performance.now();
      });
    }

    postMessage(message, ...rest) {
      if (message.head?.body?.Embed || message.head?.body?.Train) {
        const key = {};
        this.open.set(message.head.id, key);
        globalThis.work.open.add(key);
      }
      super.postMessage(message, ...rest);
    }
  };
}

/** Cancels the job after a while: milliseconds until the page shows that, and until the worker has stopped. */
function cancel(page, wait) {
  return page.evaluate(async (wait) => {
    const pause = (time) => new Promise((done) => setTimeout(done, time));
    await pause(wait);
    const place = document.querySelector("#page");
    const { stage } = place.dataset;
    const start = performance.now();
    document.querySelector("#train-stop").click();
    while (place.dataset.stage !== "idle") await new Promise(requestAnimationFrame);
    const shown = performance.now() - start;
    while (globalThis.work.open.size) await pause(1);
    return { stage, shown, stopped: Math.max(0, globalThis.work.endedAt - start) };
  }, wait);
}

async function moments(page, wanted) {
  const times = [];
  while (times.length < MOMENTS[wanted]) {
    await page.click("#train-start");
    await page.locator(`#page[data-stage="${wanted}"]`).waitFor({ timeout: 2 * MINUTE });
    const found = await cancel(page, 30 + 61 * times.length);
    if (found.stage !== wanted) throw new Error(`it was ${found.stage} and not ${wanted}`);
    times.push(found);
  }
  const list = (name) => times.map((time) => time[name].toFixed(0)).join(", ");
  const stopped = `the worker had stopped after ${list("stopped")} ms`;
  console.log(`CPU engine, ${wanted}: shown after ${list("shown")} ms; ${stopped}.`);
  return times.every(({ shown }) => shown <= MOST_MILLISECONDS);
}

async function onCpu(browser, address) {
  // Long clips: embedding each of them takes a while.
  const folder = folderOf(madeClips(20, 12));
  const use = async (page) => {
    await collect(page, folder, 40, 2);
    await chooseModel(page, "head");
    const embedding = await moments(page, "embedding");
    await chooseModel(page, "net1", 5000);
    return [embedding, await moments(page, "training")].every(Boolean);
  };
  const prepare = (page) => page.addInitScript(noteWork);
  try {
    return await withPage(browser, `${address}?engine=cpu&network=net1-gtzan`, use, { prepare });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function onGpu(browser, address) {
  const use = (page) =>
    page.evaluate(async (moments) => (await import("./cancel.mjs")).cancels("gpu", moments), GPU_MOMENTS);
  const { times, adapter } = await withPage(browser, `${address}${PAGE}`, use, { prepare: beside });
  const list = (name) => times.map((time) => time[name].toFixed(0)).join(", ");
  const answered = `answered after ${list("answered")} ms`;
  console.log(`WebGPU engine (${adapter}), training: ${answered}; a step took ${list("step")} ms.`);
  return times.every(({ answered, step }) => answered <= Math.max(step, MOST_MILLISECONDS));
}

const PARTS = { "--cpu": onCpu, "--gpu": onGpu };
const wanted = process.argv.slice(2);
const unknown = wanted.find((flag) => !PARTS[flag]);
if (unknown) throw new Error(`${unknown} is neither --cpu nor --gpu`);
const site = await startSite();
const browser = await startBrowser();
try {
  for (const part of wanted.length ? wanted : Object.keys(PARTS)) {
    if (await PARTS[part](browser, site.address)) continue;
    console.log(`Promised are ${MOST_MILLISECONDS} ms on the CPU engine, and one step on WebGPU.`);
    process.exitCode = 1;
  }
} finally {
  await browser.close();
  site.stop();
}
