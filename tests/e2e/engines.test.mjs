// Which engine runs, and why: on Chromium's software adapter, which counts only where it is asked for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtPage } from "./built.mjs";
import { oneClipPerGenre } from "./clips.mjs";
import { counted, passTime, watched } from "./faulty-workers.mjs";
import { assertClose, assertDistribution, choose, genres, probabilities, waitForEngine } from "./genrelens-page.mjs";

const MINUTE = 60_000;

const [{ file: song }] = oneClipPerGenre();
const { open, onCpu } = builtPage();

/** Waits until the page has decided, and gives the reason. */
async function decided(page) {
  const settled = ["only-cpu", "gpu-faster", "cpu-faster", "self-test-mismatch", "user-choice"];
  const reached = await page.waitForFunction(
    (settled) => {
      const { choice } = document.querySelector("#engine").dataset;
      return settled.includes(choice) ? choice : null;
    },
    settled,
    { timeout: 8 * MINUTE },
  );
  return reached.jsonValue();
}

const line = (page) => page.locator("#engine").innerText();
/** Waits until the line of the engine is like this. */
const says = (page, pattern) => page.locator("#engine", { hasText: pattern }).waitFor({ timeout: MINUTE });

test("a software adapter does not count unasked, and its engine is not fetched", { timeout: 3 * MINUTE }, async () => {
  const fetched = [];
  const prepare = (page) => page.on("request", (request) => fetched.push(request.url()));
  await open(
    "",
    async (page) => {
      assert.equal(await decided(page), "only-cpu");
      await says(page, /emulated/);
      await choose(page, song);
      await waitForEngine(page, "CPU", MINUTE);
    },
    { prepare },
  );
  assert.ok(fetched.some((url) => url.includes("cpu_worker")), "the CPU engine is fetched");
  assert.ok(!fetched.some((url) => url.includes("gpu_worker")), "the GPU engine is not");
});

const LACKING = {
  "too low a limit": [
    () => Object.defineProperty(GPUSupportedLimits.prototype, "maxComputeInvocationsPerWorkgroup", { get: () => 64 }),
    /maxComputeInvocationsPerWorkgroup is 64, and 256 is needed/,
  ],
  "no timestamp-query": [
    () => {
      const { has } = GPUSupportedFeatures.prototype;
      GPUSupportedFeatures.prototype.has = function (name) {
        return name !== "timestamp-query" && has.call(this, name);
      };
    },
    /does not have what the GPU engine needs \(timestamp-query\)/,
  ],
};

for (const [what, [lack, said]] of Object.entries(LACKING)) {
  test(`an adapter with ${what} is told, and its engine is not fetched`, { timeout: 3 * MINUTE }, async () => {
    const fetched = [];
    const prepare = async (page) => {
      page.on("request", (request) => fetched.push(request.url()));
      await page.addInitScript(lack);
    };
    await open(
      "?engine=gpu&software=1",
      async (page) => {
        assert.equal(await decided(page), "only-cpu");
        await says(page, said);
        await choose(page, song);
        await waitForEngine(page, "CPU", MINUTE);
      },
      { prepare },
    );
    assert.ok(!fetched.some((url) => url.includes("gpu_worker")), "the GPU engine is not fetched");
  });
}

test("allowed, it is tested, timed against the CPU and named", { timeout: 15 * MINUTE }, () =>
  open("?software=1&network=net1-gtzan", async (page) => {
    // The CPU engine answers meanwhile.
    await choose(page, song);
    assertDistribution(await genres(page));
    const choice = await decided(page);
    const told = await line(page);
    console.log(`The page says: ${told}`);
    assert.ok(["cpu-faster", "gpu-faster"].includes(choice), `${choice}: ${told}`);
    assert.match(told, /\d+(\.\d)?\sm?s and \d+(\.\d)?\sm?s/, "both times");
  }),
);

test("the visitor's choice takes over in the open page", { timeout: 15 * MINUTE }, () =>
  onCpu(async (page) => {
    await choose(page, song);
    const onCpu = await probabilities(page);
    await page.selectOption("#engine-choice", "gpu");
    await page.locator('#engine[data-engine="gpu"]').waitFor({ timeout: 8 * MINUTE });
    await says(page, /swiftshader/i);
    await page.setInputFiles("#file", []);
    await choose(page, song, { timeout: 5 * MINUTE });
    assertClose(await probabilities(page), onCpu, 0.02, "GPU and CPU");
    await page.selectOption("#engine-choice", "cpu");
    await waitForEngine(page, "CPU", MINUTE);
  }),
);

test("a GPU engine that cannot be fetched leaves the CPU's", { timeout: 5 * MINUTE }, () =>
  open(
    "?engine=gpu&software=1",
    async (page) => {
      await choose(page, song);
      assertDistribution(await genres(page));
      assert.equal(await decided(page), "only-cpu");
      await waitForEngine(page, "CPU", MINUTE);
      await says(page, /did not start/);
    },
    { prepare: (page) => page.route("**/gpu_worker*", (route) => route.abort()), expected: /ERR_FAILED|gpu_worker/ },
  ),
);

test("without the network's weights the page says so", { timeout: 3 * MINUTE }, () =>
  open(
    "",
    async (page) => {
      await page.locator("#error").filter({ hasText: /could not be fetched/ }).waitFor({ timeout: MINUTE });
      await says(page, /^No engine is running/);
      await page.locator("#network-progress-box").waitFor({ state: "hidden", timeout: MINUTE });
      await page.selectOption("#engine-choice", "gpu");
      // Nothing is waited for in vain.
      await says(page, /^No engine is running/);
    },
    { prepare: (page) => page.route("**/*.safetensors", (route) => route.abort()), expected: /ERR_FAILED/ },
  ),
);

for (const [how, does] of [
  ["dies", "die"],
  ["says nothing", "silence"],
]) {
  test(`an engine that ${how} when it is started is started again`, { timeout: 3 * MINUTE }, () =>
    onCpu(
      async (page) => {
        await counted(page, "told", "Ready", 1);
        await passTime(page, 5, () => globalThis.workers.length === 2, "no other engine was started");
        await choose(page, song);
        assertDistribution(await genres(page));
        assert.equal(await page.evaluate(() => globalThis.workers.length), 2);
      },
      { prepare: (page) => watched(page, { clock: true, faults: [{ number: 1, event: "Ready", does }] }) },
    ),
  );
}

test("damaged weights are refused", { timeout: 3 * MINUTE }, () => {
  const damaged = async (route) => {
    const body = await (await route.fetch()).body();
    body[body.length - 100] ^= 1;
    await route.fulfill({ body });
  };
  return open(
    "",
    async (page) => {
      await page.locator("#error").filter({ hasText: /damaged/ }).waitFor({ timeout: MINUTE });
    },
    { prepare: (page) => page.route("**/*.safetensors", damaged) },
  );
});

test("a newer file takes the place of the one before, and a cancel leaves the page ready", { timeout: 5 * MINUTE }, () =>
  onCpu(async (page) => {
    await choose(page, song);
    const expected = await probabilities(page);
    // Two and a half minutes of noise: long enough to be given up.
    const noise = await page.evaluateHandle(() => {
      const frames = 150 * 48_000;
      const bytes = new Uint8Array(44 + 2 * frames);
      const view = new DataView(bytes.buffer);
      const text = (at, word) => [...word].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
      text(0, "RIFF"), view.setUint32(4, 36 + 2 * frames, true), text(8, "WAVEfmt "), view.setUint32(16, 16, true);
      view.setUint16(20, 1, true), view.setUint16(22, 1, true), view.setUint32(24, 48_000, true);
      view.setUint32(28, 96_000, true), view.setUint16(32, 2, true), view.setUint16(34, 16, true);
      text(36, "data"), view.setUint32(40, 2 * frames, true);
      for (let at = 44; at < bytes.length; at += 2) view.setInt16(at, (at * 7919) % 32_768, true);
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], "noise.wav", { type: "audio/wav" }));
      return transfer;
    });
    await page.dispatchEvent("#drop-zone", "drop", { dataTransfer: noise });
    await page.locator("#cancel").click({ timeout: MINUTE });
    await page.locator("#notice").filter({ hasText: /Cancelled/ }).waitFor({ timeout: MINUTE });

    await page.dispatchEvent("#drop-zone", "drop", { dataTransfer: noise });
    await page.setInputFiles("#file", []);
    await choose(page, song);
    assertClose(await probabilities(page), expected, 1e-6, "after a cancel and a file that was overtaken");
  }),
);
