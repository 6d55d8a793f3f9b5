// The main job on the built page: a song in, its spectrogram and its genres out, on both engines.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startBrowser, withPage } from "./browser.mjs";
import { builtPage } from "./built.mjs";
import { assertBars, assertSpectrogram } from "./canvas.mjs";
import { classifyNatively, oneClipPerGenre } from "./clips.mjs";
import {
  assertClose,
  assertDistribution,
  choose,
  drop,
  engine,
  errorShown,
  genres,
  probabilities,
  waitForEngine,
} from "./genrelens-page.mjs";

const MINUTE = 60_000;
/** The page, the command line and both engines are the same code on other arithmetic. */
const TOLERANCE = 0.02;
const OUT = fileURLToPath(new URL("out", import.meta.url));

const clips = oneClipPerGenre();
const [{ file: song }] = clips;
const built = builtPage();
const { open, onCpu } = built;

before(async () => {
  mkdirSync(OUT, { recursive: true });
});

async function assertAnswer(page) {
  const rows = await genres(page);
  assertDistribution(rows);
  await assertSpectrogram(page);
  await assertBars(page, rows);
  const [best] = [...rows].sort((a, b) => b.probability - a.probability);
  const verdict = (await page.locator("#verdict").innerText()).toLowerCase().replace(/[^a-z]/g, "");
  assert.ok(verdict.includes(best.label), `the verdict is "${verdict}", and the table says ${best.label}`);
  assert.equal(await errorShown(page), "");
}

test("a chosen song is answered on the CPU", { timeout: 3 * MINUTE }, () =>
  onCpu(async (page) => {
    await choose(page, song);
    await assertAnswer(page);
    await waitForEngine(page, "CPU", MINUTE);
  }),
);

test("a dropped song is answered the same", { timeout: 3 * MINUTE }, () =>
  onCpu(async (page) => {
    await choose(page, song);
    const chosen = await probabilities(page);
    await page.reload();
    await drop(page, song);
    await assertAnswer(page);
    assertClose(await probabilities(page), chosen, 1e-6, "dropped and chosen");
  }),
);

test("without WebGPU the CPU answers unasked", { timeout: 3 * MINUTE }, async () => {
  const plain = await startBrowser({ webgpu: false });
  try {
    await withPage(plain, built.address, async (page) => {
      await choose(page, song);
      await assertAnswer(page);
      await waitForEngine(page, "CPU", MINUTE);
    });
  } finally {
    await plain.close();
  }
});

test("WebGPU gives the CPU's answer", { timeout: 15 * MINUTE }, async () => {
  const expected = await onCpu(async (page) => {
    await choose(page, song);
    return probabilities(page);
  });
  await open("?engine=gpu&software=1&network=net1-gtzan", async (page) => {
    const adapter = await page.evaluate(async () => Boolean(await navigator.gpu?.requestAdapter()));
    assert.ok(adapter, "there is no WebGPU adapter: see the flags in webdriver.json");
    await choose(page, song, { timeout: 5 * MINUTE });
    await waitForEngine(page, "GPU", 8 * MINUTE);
    // The first answer may have been the CPU's, given while the GPU's engine was still on its way. Choosing the same
    // file again would be no change to the browser.
    await drop(page, song, { timeout: 5 * MINUTE });
    assert.equal(await engine(page), "GPU");
    await assertAnswer(page);
    const worst = assertClose(await probabilities(page), expected, TOLERANCE, basename(song));
    console.log(`WebGPU and CPU differ by at most ${worst.toExponential(1)}.`);
  });
});

test("a broken file gets a sentence, and the next good one its answer", { timeout: 3 * MINUTE }, () =>
  onCpu(async (page) => {
    const broken = join(mkdtempSync(join(tmpdir(), "genrelens-")), "broken.wav");
    writeFileSync(broken, "These are words, and no music at all.\n".repeat(40));
    await page.setInputFiles("#file", broken);
    await page.locator("#error").filter({ hasText: /\S/ }).waitFor({ state: "visible", timeout: MINUTE });
    const sentence = await errorShown(page);
    assert.match(sentence, /^\S+( \S+){3,}/, "a sentence");
    assert.doesNotMatch(sentence, /panic|undefined|\[object|NaN|unwrap/i);
    await choose(page, song);
    await assertAnswer(page);
  }),
);

test("the page agrees with the command line on a song of each genre", { timeout: 10 * MINUTE }, () =>
  onCpu(async (page) => {
    const expected = classifyNatively(clips.map(({ file }) => file), "model-weights/net1-gtzan.safetensors");
    let right = 0;
    for (const { file, genre, split } of clips) {
      const name = basename(file);
      await choose(page, file);
      const rows = await genres(page);
      assertDistribution(rows);
      const worst = assertClose(await probabilities(page), expected.get(name) ?? {}, TOLERANCE, name);
      const [best] = rows.sort((a, b) => b.probability - a.probability);
      right += Number(best.label === genre);
      const share = Math.round(100 * best.probability);
      console.log(`${name} (${split}): ${best.label} ${share} %, off the command line by ${worst.toExponential(1)}`);
    }
    console.log(`${right} of ${clips.length} are right.`);
  }),
);

for (const [width, height] of [
  [1280, 900],
  [390, 844],
]) {
  test(`the page is whole at ${width} pixels`, { timeout: 3 * MINUTE }, () =>
    onCpu(
      async (page) => {
        await page.screenshot({ path: join(OUT, `empty-${width}.png`), fullPage: true });
        await choose(page, song);
        await page.screenshot({ path: join(OUT, `answer-${width}.png`), fullPage: true });
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `the page is ${overflow} pixels wider than the window`);
        await assertAnswer(page);
      },
      { width, height },
    ),
  );
}
