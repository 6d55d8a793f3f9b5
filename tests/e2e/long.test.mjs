// Two hours of 48 kHz stereo: decoded as a stream, in bounded memory, and cancelled on request.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { builtPage } from "./built.mjs";
import { assertDistribution, choose, errorShown, genres } from "./genrelens-page.mjs";
import { writeLongWav } from "./long-wav.mjs";
import { watchMemory } from "./memory.mjs";

const MINUTE = 60_000;
const TWO_HOURS = 7_200;
/** 300 MB. */
const MOST_MEBIBYTES = 286;
const CANCEL_MILLISECONDS = 250;

const folder = mkdtempSync(join(tmpdir(), "genrelens-"));
const recording = join(folder, "two hours.wav");
const built = builtPage();
const { onCpu } = built;

before(async () => {
  writeLongWav(recording, TWO_HOURS);
});

after(async () => {
  rmSync(folder, { recursive: true, force: true });
});

/** Waits until the page shows a first answer while it is still decoding. */
const firstAnswer = (page) => page.locator("#verdict", { hasText: "So far" }).waitFor({ timeout: MINUTE });

test("two hours are classified within 300 MB", { timeout: 15 * MINUTE }, () =>
  onCpu(async (page) => {
    await page.locator('#engine[data-engine="cpu"]').waitFor({ timeout: MINUTE });
    const memory = await watchMemory(built.browser);
    const start = performance.now();
    const answered = choose(page, recording, { timeout: 12 * MINUTE });
    await firstAnswer(page);
    const first = performance.now() - start;
    await answered;
    const seconds = (performance.now() - start) / 1000;
    const { before, peak } = memory.stop();
    console.log(
      `Two hours took ${seconds.toFixed(1)} s, the first answer ${(first / 1000).toFixed(1)} s; the renderer had ` +
        `${before.own.toFixed(0)} MiB of its own before, ${peak.own.toFixed(0)} MiB at most, and ` +
        `${peak.mapped.toFixed(0)} MiB of the browser's code.`,
    );
    assertDistribution(await genres(page));
    assert.equal(await errorShown(page), "");
    await page.locator("#recording", { hasText: "2:00:00" }).waitFor();
    assert.ok(peak.own <= MOST_MEBIBYTES, `the renderer had ${peak.own} MiB`);
  }),
);

// Runs in the page before its own scripts: notes when a worker is asked to give up, and when it says it has.
function noteCancels() {
  globalThis.cancels = { asked: [], answered: [] };
  const NativeWorker = globalThis.Worker;
  globalThis.Worker = class extends NativeWorker {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("message", ({ data }) => {
        if (data.head?.body === "Cancelled") globalThis.cancels.answered.push(performance.now());
      });
    }

    postMessage(message, ...rest) {
      if (message.head?.body?.Cancel) globalThis.cancels.asked.push(performance.now());
      super.postMessage(message, ...rest);
    }
  };
}

test("a cancel is answered within 250 ms, at any moment", { timeout: 10 * MINUTE }, () =>
  onCpu(
    async (page) => {
      const times = [];
      for (let round = 0; round < 5; round += 1) {
        await page.setInputFiles("#file", recording);
        await firstAnswer(page);
        // Another moment of its work every time.
        await page.waitForTimeout(137 * round);
        const shown = await page.evaluate(async () => {
          const start = performance.now();
          document.querySelector("#cancel").click();
          const page = document.querySelector("#page");
          while (page.dataset.state !== "idle") await new Promise(requestAnimationFrame);
          return performance.now() - start;
        });
        await page.waitForFunction((count) => globalThis.cancels.answered.length === count, round + 1);
        const stopped = await page.evaluate(
          (round) => globalThis.cancels.answered[round] - globalThis.cancels.asked[round],
          round,
        );
        times.push({ shown, stopped });
        assert.ok(shown <= CANCEL_MILLISECONDS, `the page showed it after ${shown} ms`);
        assert.ok(stopped <= CANCEL_MILLISECONDS, `the worker stopped after ${stopped} ms`);
      }
      const list = (name) => times.map((time) => time[name].toFixed(0)).join(", ");
      console.log(`Shown after ${list("shown")} ms; the worker had stopped after ${list("stopped")} ms.`);
    },
    { prepare: (page) => page.addInitScript(noteCancels) },
  ),
);
