// Prints how often the built page is drawn during a training job: the time from one animation frame to the next, while the
// clips of a head on MusiCNN are embedded and while `net1` trains, on the CPU engine. Fails if the median is more than a
// frame of a screen that shows sixty a second. No test: docs/results.md states its figures.
import { rmSync } from "node:fs";
import { startBrowser, withPage } from "./browser.mjs";
import { chooseModel, collect, folderOf, madeClips } from "./training-page.mjs";
import { startSite } from "./site.mjs";

const MINUTE = 60_000;
const FRAMES = 300;
/** Milliseconds; a tenth more than a sixtieth of a second. */
const MOST = 18.4;

/** Times from frame to frame, in milliseconds, from the shortest on; the page is in this stage from first to last. */
function frames(page, stage) {
  return page.evaluate(
    async ([stage, count]) => {
      const frame = () => new Promise(requestAnimationFrame);
      const times = [await frame()];
      while (times.length <= count) {
        times.push(await frame());
        if (document.querySelector("#page").dataset.stage !== stage) throw new Error(`${stage} was over too soon`);
      }
      return times.slice(1).map((time, at) => time - times[at]).sort((a, b) => a - b);
    },
    [stage, FRAMES],
  );
}

async function during(page, option, stage) {
  await chooseModel(page, ...option);
  await page.click("#train-start");
  await page.locator(`#page[data-stage="${stage}"]`).waitFor({ timeout: 2 * MINUTE });
  const times = await frames(page, stage);
  await page.click("#train-stop");
  const at = (share) => times[Math.ceil(share * FRAMES) - 1].toFixed(1);
  console.log(`${stage}: ${FRAMES} frames, median ${at(0.5)} ms, 95 of 100 within ${at(0.95)} ms, longest ${at(1)} ms.`);
  return times[FRAMES >> 1] <= MOST;
}

const folder = folderOf(madeClips(20, 12));
const site = await startSite();
const browser = await startBrowser({ webgpu: false });
try {
  const use = async (page) => {
    await collect(page, folder, 40, 2);
    const embedding = await during(page, ["head"], "embedding");
    return (await during(page, ["net1", 5000], "training")) && embedding;
  };
  if (!(await withPage(browser, `${site.address}?engine=cpu&network=net1-gtzan`, use))) process.exitCode = 1;
} finally {
  await browser.close();
  site.stop();
  rmSync(folder, { recursive: true, force: true });
}
