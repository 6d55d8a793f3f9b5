// Faults of the engines' page side: which network answers, workers that die or fall silent, a page that breaks.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { builtPage } from "./built.mjs";
import { oneClipPerGenre, ROOT } from "./clips.mjs";
import { counted, mend, passSeconds, passTime, setFault, watched } from "./faulty-workers.mjs";
import {
  assertClose,
  assertDistribution,
  choose,
  genres,
  probabilities,
  useNetwork,
  waitForAnswerBy,
} from "./genrelens-page.mjs";
import { madeFolder } from "./made.mjs";
import { standIns } from "./stand-ins.mjs";

const MINUTE = 60_000;
// One worker, whatever cores there are: tests count them.
const CPU = "?engine=cpu&network=net1-gtzan&workers=1";
const [{ file: song }] = oneClipPerGenre();
const { open } = builtPage();

const again = async (page, options) => {
  await page.setInputFiles("#file", []);
  await choose(page, song, options);
};

/** A file was answered or refused since it was given. */
const ended = () => ["done", "error"].includes(globalThis.states.slice(globalThis.statesBeforeFile).at(-1));

test("1: a network that is chosen again while the GPU still tests another answers itself", { timeout: 3 * MINUTE }, () =>
  open(
    "?engine=gpu&software=1",
    async (page) => {
      await page.locator('#engine[data-engine="gpu"]').waitFor({ timeout: MINUTE });
      await choose(page, song);
      await waitForAnswerBy(page, "stand-in-first");
      const first = await probabilities(page);
      // The GPU has the other network, and its test of it is not over.
      await setFault(page, { engine: "gpu", event: "SelfTested", does: "hold" });
      await page.selectOption("#network-choice", "stand-in-turned");
      await page.waitForFunction(() => globalThis.workers.some(({ held }) => held.length), null, { timeout: MINUTE });
      await mend(page);
      await useNetwork(page, "stand-in-first");
      await page.setInputFiles("#file", []);
      await page.setInputFiles("#file", song);
      await page.waitForTimeout(500);
      await page.evaluate(() => globalThis.workers.forEach((worker) => worker.release()));
      await waitForAnswerBy(page, "stand-in-first");
      assertClose(await probabilities(page), first, 1e-4, "the network that is shown answers");
      await again(page);
      await waitForAnswerBy(page, "stand-in-first");
      assertClose(await probabilities(page), first, 1e-4, "and it goes on answering");
    },
    { prepare: async (page) => (await watched(page, { gpu: true }), standIns(page)) },
  ),
);

test("10: an engine that dies on the address's network leaves the first one to answer", { timeout: 2 * MINUTE }, () =>
  open(CPU, (page) => choose(page, song, { timeout: 30_000 }), {
    prepare: (page) => watched(page, { faults: [{ number: 1, request: "Load", does: "die" }] }),
  }),
);

for (const request of ["Load", "Classify"]) {
  test(`10: an engine that falls silent at ${request} is given up`, { timeout: 3 * MINUTE }, () =>
    open(
      CPU,
      async (page) => {
        if (request === "Classify") await choose(page, song);
        await page.setInputFiles("#file", []);
        if (request === "Classify") await setFault(page, { request, does: "silence", times: 1 });
        await page.setInputFiles("#file", song);
        await counted(page, "asked", request, 1);
        await passTime(page, 30, () => globalThis.workers.length > 1, "no other engine was started");
        await page.waitForFunction(ended, null, { timeout: 30_000 });
        await again(page, { timeout: 30_000 });
        assertDistribution(await genres(page));
      },
      {
        prepare: (page) =>
          watched(page, { clock: true, faults: request === "Load" ? [{ number: 1, request, does: "silence" }] : [] }),
      },
    ),
  );
}

test("10: an engine that tells of its progress is not given up, however long it takes", { timeout: 3 * MINUTE }, () =>
  open(
    CPU,
    async (page) => {
      await choose(page, song);
      await page.setInputFiles("#file", []);
      // What the worker tells on the way arrives; its end does not.
      await setFault(page, { event: "Classified", does: "hold" });
      await page.setInputFiles("#file", song);
      await page.waitForFunction(() => globalThis.workers[0].held.length, null, { timeout: MINUTE });
      for (let round = 0; round < 12; round += 1) {
        await passSeconds(page, 30);
        // As an engine that computes says.
        await page.evaluate(() => {
          const [worker] = globalThis.workers;
          const body = { Progress: { processed_seconds: 1, duration_seconds: null, fraction: 0.5 } };
          const data = { head: { ...worker.held[0].head, body }, payload: undefined };
          worker.dispatchEvent(new MessageEvent("message", { data }));
        });
      }
      assert.equal(await page.evaluate(() => globalThis.workers.length), 1);
      await page.evaluate(() => globalThis.workers[0].release());
      await page.waitForFunction(ended, null, { timeout: 30_000 });
      assertDistribution(await genres(page));
    },
    { prepare: (page) => watched(page, { clock: true }) },
  ),
);

test("10: a GPU that is slow at its self-test does not hold back the refined answer", { timeout: 3 * MINUTE }, () =>
  open(
    "?software=1",
    async (page) => {
      await choose(page, song);
      await waitForAnswerBy(page, "stand-in-head", 30_000);
      await passTime(page, 30, () => document.querySelector("#engine").dataset.choice !== "testing-gpu", "the test has no limit");
      assert.equal(await page.locator("#engine").getAttribute("data-engine"), "cpu");
      await again(page, { timeout: 30_000 });
      await waitForAnswerBy(page, "stand-in-head");
    },
    {
      prepare: async (page) => {
        await watched(page, { gpu: true, clock: true, faults: [{ engine: "gpu", event: "SelfTested", does: "nothing" }] });
        await standIns(page, { roles: { default: "stand-in-head" } });
      },
    },
  ),
);

test("10: an engine that falls silent on a picture of a clip or on an archive is given up", { timeout: 3 * MINUTE }, () =>
  open(
    CPU,
    async (page) => {
      await page.locator('#engine[data-engine="cpu"]').waitFor({ timeout: MINUTE });
      await setFault(page, { request: "Thumbnail", does: "silence", times: 1 });
      await page.click("#view-train");
      await page.setInputFiles("#train-folder", madeFolder({ noise: 2, tone: 2 }));
      await counted(page, "asked", "Thumbnail", 1);
      await passTime(page, 30, () => globalThis.workers.length > 1, "no other engine was started");
      const pictures = () => document.querySelectorAll("summary .thumb[data-drawn]").length >= 3;
      await page.waitForFunction(pictures, null, { timeout: 30_000 });
      const before = await page.evaluate(() => globalThis.workers.length);
      await setFault(page, { request: "Unpack", does: "silence", times: 1 });
      await page.setInputFiles("#train-files", join(ROOT, "tests/data/odd-files/zip_64.zip"));
      await counted(page, "asked", "Unpack", 1);
      await passTime(page, 30, (before) => globalThis.workers.length > before, "no other engine was started", before);
      await page.locator('#page[data-stage="idle"]').waitFor({ timeout: 30_000 });
    },
    { prepare: (page) => watched(page, { clock: true }) },
  ),
);

test("15: a trap in the page's own code is told on the page", { timeout: 2 * MINUTE }, () =>
  open(
    CPU,
    async (page) => {
      await choose(page, song);
      await page.evaluate(() => {
        const get = () => {
          throw new WebAssembly.RuntimeError("unreachable");
        };
        Object.defineProperty(globalThis, "devicePixelRatio", { get });
      });
      await page.click("#view-train");
      await page.locator('[role="alert"]:visible', { hasText: /reload|load .*again/i }).first().waitFor({ timeout: 10_000 });
    },
    { expected: /unreachable|panicked|recursive use|already (mutably )?borrowed/ },
  ),
);

test("19: a file of which the browser's player says nothing ends in an answer or a sentence", { timeout: 2 * MINUTE }, () =>
  open(
    CPU,
    async (page) => {
      await choose(page, song);
      await page.setInputFiles("#file", []);
      await page.setInputFiles("#file", join(ROOT, "tests/data/odd-files/opus_whole.opus"));
      await page.waitForFunction(() => globalThis.players > 0, null, { timeout: MINUTE });
      await passTime(page, 10, ended, "the player is waited for");
      await again(page);
    },
    {
      prepare: async (page) => {
        await watched(page, { clock: true });
        await page.addInitScript(() => {
          globalThis.players = 0;
          // Without a source a player has nothing to tell.
          const set = Element.prototype.setAttribute;
          Element.prototype.setAttribute = function (name, value) {
            if (this instanceof HTMLMediaElement && name === "src") globalThis.players += 1;
            else set.call(this, name, value);
          };
        });
      },
    },
  ),
);

test("21: of two files that are dropped, the second is named as not heard", { timeout: 2 * MINUTE }, () =>
  open(CPU, async (page) => {
    await choose(page, song);
    const transfer = await page.evaluateHandle(() => {
      const samples = new Int16Array(22_050).map((_, at) => 9000 * Math.sin(at / 9));
      const head = new DataView(new ArrayBuffer(44));
      const text = (at, word) => [...word].forEach((letter, index) => head.setUint8(at + index, letter.charCodeAt(0)));
      text(0, "RIFF"), head.setUint32(4, 36 + samples.byteLength, true), text(8, "WAVEfmt "), head.setUint32(16, 16, true);
      head.setUint16(20, 1, true), head.setUint16(22, 1, true), head.setUint32(24, 22_050, true);
      head.setUint32(28, 44_100, true), head.setUint16(32, 2, true), head.setUint16(34, 16, true);
      text(36, "data"), head.setUint32(40, samples.byteLength, true);
      const transfer = new DataTransfer();
      for (const name of ["one.wav", "two.wav"]) transfer.items.add(new File([head, samples], name, { type: "audio/wav" }));
      return transfer;
    });
    await page.dispatchEvent("#drop-zone", "drop", { dataTransfer: transfer });
    await page.locator("#recording", { hasText: "one.wav" }).waitFor({ timeout: MINUTE });
    await page.waitForFunction(ended, null, { timeout: MINUTE });
    await page.locator("#warnings, #notice").filter({ hasText: /two\.wav|only|first/i }).first().waitFor({ timeout: 10_000 });
  }),
);
