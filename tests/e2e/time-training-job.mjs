// Prints how long a training job takes in the built page, from a fresh profile: 100 clips of 2 to 3 s in ten classes, a
// new head on MusiCNN, the CPU engine, from giving the page its folder until the network is there. Fails if that takes
// more than a minute. Numbers of workers as arguments (`node time-training-job.mjs 1 3`) are compared, in turns. No test:
// docs/results.md states its figures.
import { rmSync } from "node:fs";
import { startBrowser, withPage } from "./browser.mjs";
import { shortClips } from "./clips.mjs";
import { chooseModel, collect, folderOf, train } from "./training-page.mjs";
import { startSite } from "./site.mjs";

const RUNS = 3;
const MOST_SECONDS = 60;
const STAGES = ["adding", "preparing", "embedding", "training"];

// Runs in the page before its own scripts: notes when a file is given to it, and every change of its stage.
function noteStages() {
  globalThis.stages = [];
  const note = (stage) => globalThis.stages.push({ stage, at: performance.now() });
  addEventListener("change", ({ target }) => target.type === "file" && note("adding"), true);
  addEventListener("DOMContentLoaded", () => {
    const place = document.querySelector("#page");
    new MutationObserver(() => note(place.dataset.stage)).observe(place, { attributeFilter: ["data-stage"] });
  });
}

/** Seconds of every stage, and of all with the waiting between them. */
function seconds(stages) {
  const of = (wanted) =>
    stages.reduce((sum, { stage, at }, index) => {
      const next = stages[index + 1];
      return stage === wanted && next ? sum + (next.at - at) / 1000 : sum;
    }, 0);
  return [...STAGES.map(of), (stages.at(-1).at - stages[0].at) / 1000];
}

/** A training job in a browser of its own, with so many workers, or as many as the page chooses. */
async function run(site, folder, workers) {
  const browser = await startBrowser({ webgpu: false });
  try {
    const use = async (page) => {
      await collect(page, folder, 100, 10);
      await chooseModel(page, "head");
      console.log(await train(page));
      return seconds(await page.evaluate(() => globalThis.stages));
    };
    return await withPage(browser, `${site.address}?engine=cpu${workers ? `&workers=${workers}` : ""}`, use, {
      prepare: (page) => page.addInitScript(noteStages),
    });
  } finally {
    await browser.close();
  }
}

const row = (cells) => console.log(`| ${cells.join(" | ")} |`);

async function main(clips) {
  const compared = process.argv.length > 2 ? process.argv.slice(2) : [null];
  const folder = folderOf(clips);
  const site = await startSite();
  const runs = [];
  try {
    for (let count = 0; count < RUNS; count += 1) {
      for (const workers of compared) runs.push({ workers, times: await run(site, folder, workers) });
    }
  } finally {
    site.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  row(["seconds", "adding", "fetching MusiCNN and an engine", "embedding", "training", "all"]);
  row(Array(6).fill("---"));
  const name = (workers) => (workers ? `, ${workers} workers` : "");
  runs.forEach(({ workers, times }, index) => {
    row([`run ${1 + Math.floor(index / compared.length)}${name(workers)}`, ...times.map((time) => time.toFixed(2))]);
  });
  for (const workers of compared) {
    const own = runs.filter((run) => run.workers === workers).map(({ times }) => times);
    const middle = (column) => own.map((times) => times[column]).sort((a, b) => a - b)[RUNS >> 1];
    const medians = [...STAGES, "all"].map((_, column) => middle(column));
    row([`median${name(workers)}`, ...medians.map((time) => time.toFixed(2))]);
    if (medians.at(-1) > MOST_SECONDS) {
      console.log(`At most ${MOST_SECONDS} s are promised.`);
      process.exitCode = 1;
    }
  }
}

const clips = shortClips();
if (clips) await main(clips);
