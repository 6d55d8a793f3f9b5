// The files people have: every kind gets an answer or a sentence, and none takes the page down.
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { builtPage } from "./built.mjs";
import { oneClipPerGenre } from "./clips.mjs";
import { assertDistribution, choose, errorShown, genres, outcome, waitForEngine } from "./genrelens-page.mjs";

const MINUTE = 60_000;
const DATA = fileURLToPath(new URL("../data/audio", import.meta.url));

const [{ file: song }] = oneClipPerGenre();
const { onCpu } = builtPage();

/** Every file of the test data that is no script. */
function samples() {
  const files = readdirSync(DATA, { recursive: true }).map((name) => join(DATA, name));
  return files.filter((file) => statSync(file).isFile() && !/\.(py|rs|md|txt)$/.test(file)).sort();
}

/** Gives the page a file and waits for its answer or its sentence, which both name it. */
async function ended(page, file) {
  const state = await outcome(page, () => page.setInputFiles("#file", file), { timeout: MINUTE });
  const place = { done: "#recording", error: "#error-text" }[state];
  const said = await page.locator(place).textContent();
  assert.ok(said.startsWith(basename(file)), `${file}: ${said}`);
  return state;
}

test("every sample file gets an answer or a sentence", { timeout: 5 * MINUTE }, () =>
  onCpu(async (page) => {
    await waitForEngine(page, "CPU", MINUTE);
    const files = samples();
    assert.ok(files.length > 20, `only ${files.length} files under ${DATA}`);
    for (const file of files) {
      if ((await ended(page, file)) === "error") {
        const sentence = await errorShown(page);
        assert.match(sentence, /^\S+.*: \S+( \S+){4,}/, `${file}: a sentence`);
        assert.doesNotMatch(sentence, /panic|undefined|\[object|unwrap|engine stopped/i, file);
      }
    }
    await choose(page, song);
    assertDistribution(await genres(page));
  }),
);

test("what this build does not decode, the browser does", { timeout: 3 * MINUTE }, () =>
  onCpu(async (page) => {
    await choose(page, join(DATA, "refused-opus.opus"));
    assertDistribution(await genres(page));
    await page.locator("#recording", { hasText: "refused-opus.opus · 0:02" }).waitFor();
  }),
);

// Runs in the page before its own scripts: lets as many workers die as are given a file.
function letWorkersDie() {
  const NativeWorker = globalThis.Worker;
  globalThis.Worker = class extends NativeWorker {
    postMessage(message, ...rest) {
      super.postMessage(message, ...rest);
      if (message.head?.body?.Classify && globalThis.deaths > 0) {
        globalThis.deaths -= 1;
        // Not from inside the page's own call, as in a browser; but before the worker says anything.
        queueMicrotask(() => this.dispatchEvent(new ErrorEvent("error", { message: "RuntimeError: unreachable" })));
      }
    }
  };
}

test("an engine that dies on a file is replaced", { timeout: 3 * MINUTE }, () =>
  onCpu(
    async (page) => {
      await waitForEngine(page, "CPU", MINUTE);
      // It may have died of something else: the file gets another engine, but not a third.
      await page.evaluate(() => (globalThis.deaths = 1));
      assert.equal(await ended(page, song), "done");
      await page.evaluate(() => (globalThis.deaths = 2));
      assert.equal(await ended(page, song), "error");
      assert.match(await errorShown(page), /the engine stopped while it analyzed this file and is being restarted/);
      await choose(page, song);
      assertDistribution(await genres(page));
    },
    { prepare: (page) => page.addInitScript(letWorkersDie) },
  ),
);
