// What the GPU engine asks of WebGPU for a recording, within budgets: on a software adapter too, a second reading back, a
// launch more a layer, or a worker that computes instead of waiting is seen here.
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtPage } from "./built.mjs";
import { wav } from "./clips.mjs";
import { outcome } from "./genrelens-page.mjs";
import { countWebGpu, webgpuCalls, workOfGpuWorker } from "./webgpu-counter.mjs";

const MINUTE = 60_000;
const { open } = builtPage();

/** So many seconds of two rising tones; `number` makes it another recording. */
const song = (seconds, number) => ({
  name: `${number}.wav`,
  mimeType: "audio/wav",
  buffer: wav(seconds, 22_050, (at) => 0.3 * Math.sin(6.28 * (200 + 10 * at) * at) + 0.2 * Math.sin(6.28 * (900 + number) * at)),
});

/** Opens the page with a network on the GPU engine, whose calls are counted. */
const onGpu = (network, use) =>
  open(
    `?engine=gpu&software=1&network=${network}`,
    async (page) => {
      await page.locator('#engine[data-engine="gpu"]').waitFor({ timeout: 8 * MINUTE });
      const hear = (file) => async () =>
        assert.equal(await outcome(page, () => page.setInputFiles("#file", file), { timeout: 5 * MINUTE }), "done");
      await use(page, hear);
    },
    { prepare: countWebGpu },
  );

// Dispatches: those of the network's layers, once for all windows. The worker's own work of a song in milliseconds: decoding,
// spectrogram, launches; several times the 65 and 75 of an idle machine. It was 5900 while every call ran all constructors.
for (const [network, budget] of [
  ["first-answer", { dispatches: 25, work: 400 }],
  ["net1-gtzan", { dispatches: 23, work: 400 }],
]) {
  test(`30 s with ${network} are launched at once and read back once`, { timeout: 15 * MINUTE }, () =>
    onGpu(network, async (page, hear) => {
      // The first song too: the self-test has compiled all of its programs.
      const first = await webgpuCalls(page, hear(song(30, 1)));
      let next;
      const work = await workOfGpuWorker(page, async () => (next = await webgpuCalls(page, hear(song(30, 2)))));
      console.log(`${network}: first ${JSON.stringify(first)}, next ${JSON.stringify(next)}, work ${Math.round(work)} ms`);
      for (const calls of [first, next]) {
        assert.equal(calls.reads, 1);
        assert.equal(calls.pipelines, 0);
        assert.ok(calls.dispatches > 0 && calls.dispatches <= budget.dispatches, `${calls.dispatches} dispatches`);
      }
      assert.equal(next.buffers, 0);
      assert.ok(work <= budget.work, `the worker worked for ${work} ms`);
    }),
  );
}

test("a long recording is read back in groups", { timeout: 15 * MINUTE }, () =>
  onGpu("first-answer", async (page, hear) => {
    const calls = await webgpuCalls(page, hear(song(240, 3)));
    console.log(`240 s: ${JSON.stringify(calls)}`);
    // Eight segments of 30 s: one by one at most, at least one by one at first.
    assert.ok(calls.reads >= 2 && calls.reads <= 8, `${calls.reads} reads`);
    assert.equal(calls.pipelines, 0);
  }),
);
