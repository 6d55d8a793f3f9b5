// Faults of training runs on the page: controls that go dead, runs that go on unseen, losses that are no numbers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtPage } from "./built.mjs";
import { ROOT } from "./clips.mjs";
import { keys, keysWhen } from "./database.mjs";
import { count, counted, mend, passSeconds, passTime, setFault, watched } from "./faulty-workers.mjs";
import { restoreDatabase } from "./indexeddb.mjs";
import { madeFolder } from "./made.mjs";
import { chooseModel, collect } from "./training-page.mjs";

const MINUTE = 60_000;
// One worker, whatever cores there are: tests count them.
const CPU = "?engine=cpu&network=net1-gtzan&workers=1";
const built = builtPage();

/** Adds clips and starts a run of the small network. */
async function start(page, epochs, clips = 4) {
  await collect(page, madeFolder({ noise: clips, tone: clips }), 2 * clips, 2);
  await chooseModel(page, "lens", epochs);
  await page.locator("#train-start:enabled").click({ timeout: MINUTE });
}

const trained = (page) => page.locator("#results").waitFor({ timeout: MINUTE });

const isTraining = (page) => page.locator("#train-progress-text", { hasText: /Training: step/ }).waitFor({ timeout: MINUTE });

const isIdle = (page) => page.locator('#page[data-stage="idle"]').waitFor({ timeout: MINUTE });

/** Asserts that no worker trains: none tells of steps. */
async function assertNobodyTrains(page) {
  await page.waitForTimeout(500);
  const steps = await count(page, "told", "Step");
  await page.waitForTimeout(1500);
  assert.equal(await count(page, "told", "Step"), steps, "a run goes on unseen");
}

test("4: pause and cancel reach the run that trains, whatever engine starts late", { timeout: 3 * MINUTE }, () =>
  built.open(
    "?engine=gpu&software=1&network=net1-gtzan",
    async (page) => {
      await page.locator('#engine[data-engine="gpu"]').waitFor({ timeout: MINUTE });
      await setFault(page, { engine: "gpu", event: "Ready", does: "hold" });
      await start(page, 5000);
      await page.waitForFunction(() => globalThis.workers.some(({ held }) => held.length), null, { timeout: MINUTE });
      await page.click("#train-stop");
      await isIdle(page);
      await page.selectOption("#engine-choice", "cpu");
      await page.locator("#train-start:enabled").click({ timeout: MINUTE });
      await isTraining(page);
      await page.evaluate(() => globalThis.workers.forEach((worker) => worker.release()));
      await page.waitForTimeout(500);
      await page.click("#train-pause");
      await page.locator("#train-progress-text", { hasText: "Paused." }).waitFor();
      await assertNobodyTrains(page);
      await page.click("#train-pause");
      await isTraining(page);
      await page.click("#train-stop");
      await isIdle(page);
      await assertNobodyTrains(page);
    },
    { prepare: (page) => watched(page, { gpu: true }) },
  ),
);

test("5: a run that is cancelled while its checkpoint is read does not run", { timeout: 2 * MINUTE }, () => {
  const database = JSON.parse(readFileSync(join(ROOT, "tests/data/compat/indexeddb.json"), "utf8"));
  return built.open(
    CPU,
    async (page) => {
      await page.locator("#resume-go").waitFor({ timeout: MINUTE });
      await page.locator('#engine[data-engine="cpu"]').waitFor({ timeout: MINUTE });
      await page.evaluate(() => {
        const read = Blob.prototype.arrayBuffer;
        Blob.prototype.arrayBuffer = async function () {
          await new Promise((done) => setTimeout(done, 1000));
          return read.call(this);
        };
      });
      await page.click("#resume-go");
      await page.click("#train-stop");
      await isIdle(page);
      await page.waitForTimeout(4000);
      const asked = (await count(page, "asked", "Embed")) + (await count(page, "asked", "Train"));
      assert.equal(asked, 0, "it runs, and nothing on the page says so");
      await page.locator("#resume-go").waitFor();
      assert.ok((await keys(page, "values")).includes("running"), "and it can be resumed later");
    },
    {
      prepare: async (page) => {
        await restoreDatabase(page, built.address, database.name, database);
        await watched(page);
      },
    },
  );
});

test("8: a learning rate with which no loss is a number is refused", { timeout: 2 * MINUTE }, () =>
  built.open(CPU, async (page) => {
    await collect(page, madeFolder({ noise: 4, tone: 4 }), 8, 2);
    await chooseModel(page, "lens", 5);
    await page.fill("#train-rate", "1e30");
    await page.locator("#train-rate-trouble", { hasText: "must be 0 to 100, not 1e30" }).waitFor({ timeout: MINUTE });
    await page.click("#train-start");
    await page.locator("#train-settings-trouble:not(:empty)").waitFor();
    assert.equal(await page.locator("#page").getAttribute("data-stage"), "idle", "nothing was started");
  }),
);

test("8: a run whose losses are no numbers is stopped, whatever the form allows", { timeout: 2 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await setFault(page, { request: "Train", set: ["job", "recipe", "learning_rate", 1e30] });
      await start(page, 5);
      await page.locator("#results:visible, #train-error:not(:empty)").first().waitFor({ timeout: MINUTE });
      // If an epoch before had numbers, its network may be there, and the page says what happened.
      const said = await page.locator("#train-error, #train-notice, #results-sentence").allInnerTexts();
      assert.match(said.join(" "), /NaN|finite|number|learning.rate/i);
    },
    { prepare: (page) => watched(page) },
  ),
);

/** Starts a run whose engine says nothing more after its first step; later engines work. */
async function startAndFallSilent(page) {
  await setFault(page, { event: "Step", does: "silence", times: 1 });
  await start(page, 3);
  await page.waitForFunction(() => globalThis.workers.some(({ silent }) => silent), null, { timeout: MINUTE });
  await mend(page);
}

test("10: a training engine that falls silent is replaced, and the run ends", { timeout: 3 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await startAndFallSilent(page);
      await passTime(page, 60, () => globalThis.workers.length > 2, "no other engine was started");
      await trained(page);
    },
    { prepare: (page) => watched(page, { clock: true }) },
  ),
);

test("10: a silent training engine is given up when its run is cancelled, and the next run ends", { timeout: 3 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await startAndFallSilent(page);
      await page.click("#train-stop");
      await isIdle(page);
      const ended = () => globalThis.workers.some((worker) => worker.silent && worker.ended);
      await passTime(page, 60, ended, "the silent engine is kept");
      await page.locator("#train-start:enabled").click({ timeout: MINUTE });
      await trained(page);
    },
    { prepare: (page) => watched(page, { clock: true }) },
  ),
);

test("10: a training engine that falls silent on a clip is given up", { timeout: 3 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await setFault(page, { request: "Embed", does: "silence", times: 1 });
      await start(page, 3);
      await counted(page, "asked", "Embed", 1);
      const over = () => globalThis.workers.length > 2 || document.querySelector("#page").dataset.stage === "idle";
      await passTime(page, 60, over, "the run waits for ever");
      // It goes on without that clip or with another engine, or says on which clip it ended.
      await page.locator("#results:visible, #train-error:not(:empty)").first().waitFor({ timeout: MINUTE });
    },
    { prepare: (page) => watched(page, { clock: true }) },
  ),
);

test("10: a run that is paused for hours is not given up", { timeout: 3 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await start(page, 5000);
      await isTraining(page);
      await page.click("#train-pause");
      await page.locator("#train-progress-text", { hasText: "Paused." }).waitFor();
      const workers = await page.evaluate(() => globalThis.workers.length);
      await passSeconds(page, 800);
      for (let hour = 0; hour < 5; hour += 1) await page.clock.fastForward(60 * MINUTE);
      assert.equal(await page.evaluate(() => globalThis.workers.length), workers);
      await page.locator("#train-progress-text", { hasText: "Paused." }).waitFor();
      await page.click("#train-pause");
      await isTraining(page);
      await page.click("#train-stop-keep-best");
      await trained(page);
    },
    { prepare: (page) => watched(page, { clock: true }) },
  ),
);

test("14: a run that ended in a tab that nobody sees does not block an update", { timeout: 2 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await page.locator('#engine[data-engine="cpu"]').waitFor({ timeout: MINUTE });
      // What the service worker asks every tab before an update.
      const isBusy = () =>
        page.evaluate(
          () =>
            new Promise((done) => {
              const { port1, port2 } = new MessageChannel();
              port1.onmessage = ({ data }) => done(data);
              const asked = new MessageEvent("message", { data: { kind: "are-you-busy" }, ports: [port2] });
              navigator.serviceWorker.dispatchEvent(asked);
            }),
        );
      assert.equal(await isBusy(), false);
      await start(page, 10);
      await isTraining(page);
      assert.equal(await isBusy(), true);
      await page.evaluate(() => (globalThis.unseen = true));
      await keysWhen(page, "runs", (found) => found.length === 1, MINUTE);
      assert.equal(await isBusy(), false);
    },
    {
      prepare: (page) =>
        page.addInitScript(() => {
          // As in a tab in the background, which draws nothing.
          const request = globalThis.requestAnimationFrame.bind(globalThis);
          globalThis.requestAnimationFrame = (draw) => (globalThis.unseen ? 0 : request(draw));
        }),
    },
  ),
);
