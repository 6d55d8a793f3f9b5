// The networks: each answers as the command line does, and a change of network is whole or does not happen.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { builtPage } from "./built.mjs";
import { classifyNatively, oneClipPerGenre } from "./clips.mjs";
import { eventually } from "./eventually.mjs";
import { assertClose, choose, engine, probabilities, tags, useNetwork, waitForAnswerBy } from "./genrelens-page.mjs";
import { DIST } from "./site.mjs";
import { standIns, turned } from "./stand-ins.mjs";

const MINUTE = 60_000;
const TOLERANCE = 0.02;
const WEIGHTS = join(DIST, "model-weights");

const [{ file: song }] = oneClipPerGenre();
const { open } = builtPage();

/** The page on the CPU with stand-ins for networks. */
const withStandIns = (use, { query = "", expected, prepare = () => {}, ...settings } = {}) =>
  open(`?engine=cpu${query}`, use, {
    expected,
    prepare: async (page) => {
      await prepare(page);
      await standIns(page, settings);
    },
  });

const refusal = (page, pattern) => page.locator("#network-error").filter({ hasText: pattern }).waitFor({ timeout: MINUTE });
const inUse = (page) => page.$eval("#network-choice", (choice) => [choice.dataset.inUse, choice.value]);
/** Waits until this network is in use and shown as chosen. */
const uses = (page, name, about) => eventually(async () => assert.deepEqual(await inUse(page), [name, name], about));
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

test("every shipped network answers as the command line does", { timeout: 15 * MINUTE }, () => {
  const shipped = JSON.parse(readFileSync(join(WEIGHTS, "networks.json"), "utf8"));
  const names = shipped.networks.map(({ name }) => name);
  console.log(`Shipped: ${names.join(", ")}; first ${shipped.first}, then ${shipped.default}.`);
  if (!names.includes("genre-head")) {
    console.log("LOUD: genre-head or MusiCNN, its backbones, is absent: NOT tested on the page.");
  }
  return open(`?engine=cpu&network=${names.at(-1)}`, async (page) => {
    await choose(page, song);
    for (const name of names) {
      if ((await inUse(page))[0] !== name) await useNetwork(page, name);
      await waitForAnswerBy(page, name, 3 * MINUTE);
      const line = classifyNatively([song], join(WEIGHTS, `${name}.safetensors`), true).get(basename(song));
      const worst = assertClose(await probabilities(page), line.genres, TOLERANCE, name);
      const shown = await tags(page);
      assert.deepEqual(Object.keys(shown).sort(), Object.keys(line.tags ?? {}).sort(), `${name}: whose tags`);
      for (const [backbone, expected] of Object.entries(line.tags ?? {})) {
        assertClose(shown[backbone], expected, TOLERANCE, `${name}: tags of ${backbone}`);
      }
      const told = Object.entries(shown).map(([backbone, all]) => `${Object.keys(all).length} of ${backbone}`);
      console.log(`${name}: off the command line by ${worst.toExponential(1)}; tags: ${told.join(", ") || "none"}.`);
    }
  });
});

test("the first answer is refined by the page's own choice", { timeout: 3 * MINUTE }, () => {
  let released;
  const transfer = new Promise((done) => (released = done));
  return withStandIns(
    async (page) => {
      await choose(page, song);
      await page.locator("#detail", { hasText: "with stand-in-first in" }).waitFor();
      const first = await probabilities(page);
      await page.locator("#network-progress-text", { hasText: "Downloading stand-in-head to refine the result" }).waitFor();
      await uses(page, "stand-in-first", "not shown as a choice");
      const states = await page.evaluate(() => globalThis.states.length);
      released();
      await waitForAnswerBy(page, "stand-in-head");
      await page.locator("#detail", { hasText: /Refined with stand-in-head in .*; the first result, from stand-in-first/ }).waitFor();
      assertClose(await probabilities(page), first, 1e-4, "the head repeats its backbone");
      const meanwhile = await page.evaluate((from) => globalThis.states.slice(from), states);
      assert.ok(meanwhile.every((state) => state === "done"), `the first answer stands: ${meanwhile}`);
      const said = (await tags(page))["stand-in-tags"];
      assert.equal(Object.keys(said).length, 10);
      await eventually(async () => assert.equal(await page.locator(".tag-list li").count(), 8));
    },
    {
      roles: { default: "stand-in-head" },
      meddle: async (name, kind) => (name === "stand-in-head" && kind === "safetensors" ? transfer : null),
    },
  );
});

test("who saves data gets no more than the first network unasked", { timeout: 3 * MINUTE }, () =>
  withStandIns(
    async (page) => {
      await choose(page, song);
      await waitForAnswerBy(page, "stand-in-first");
      await pause(1000);
      assert.deepEqual(await inUse(page), ["stand-in-first", "stand-in-first"]);
      await useNetwork(page, "stand-in-head");
      await waitForAnswerBy(page, "stand-in-head");
    },
    {
      roles: { default: "stand-in-head" },
      prepare: (page) =>
        page.addInitScript(() => Object.defineProperty(navigator, "connection", { value: { saveData: true } })),
    },
  ),
);

test("a network that cannot be had leaves the one before", { timeout: 5 * MINUTE }, () => {
  let trouble = null;
  return withStandIns(
    async (page) => {
      await choose(page, song);
      const before = await probabilities(page);
      const goesOn = async () => {
        await uses(page, "stand-in-first", "the choice jumps back");
        await page.setInputFiles("#file", []);
        await choose(page, song);
        assertClose(await probabilities(page), before, 1e-6, "the network before answers");
      };
      for (const [kind, answer, sentence] of [
        ["safetensors", { status: 404, body: "" }, /stand-in-turned cannot be used: .*answered 404.* stand-in-first stays/],
        ["json", { status: 200, body: "<html>" }, /cannot be read/],
        ["safetensors", { status: 200, body: Buffer.alloc(5000) }, /damaged/],
      ]) {
        trouble = (name, asked) => (name === "stand-in-turned" && asked === kind ? answer : null);
        await page.selectOption("#network-choice", "stand-in-turned");
        await refusal(page, sentence);
        await goesOn();
      }
      // Its backbone is damaged.
      trouble = (name, asked) => (name === "stand-in-tags" && asked === "safetensors" ? { body: "no weights" } : null);
      await page.selectOption("#network-choice", "stand-in-head");
      await refusal(page, /stand-in-head cannot be used: .*damaged/);
      await goesOn();
      // All is well again: nothing damaged was kept.
      trouble = null;
      await useNetwork(page, "stand-in-head");
      await waitForAnswerBy(page, "stand-in-head");
      await page.locator("#network-error").waitFor({ state: "hidden" });
    },
    { meddle: (name, kind) => trouble?.(name, kind), expected: /404/ },
  );
});

test("of many choices the last one wins", { timeout: 3 * MINUTE }, () =>
  withStandIns(
    async (page) => {
      await choose(page, song);
      const expected = turned(await probabilities(page));
      // Each of them arrives later than the one chosen after it.
      for (const name of ["stand-in-head", "stand-in-tags", "stand-in-first", "stand-in-head", "stand-in-turned"]) {
        await page.selectOption("#network-choice", name);
      }
      await waitForAnswerBy(page, "stand-in-turned");
      await pause(2500);
      await uses(page, "stand-in-turned");
      await waitForAnswerBy(page, "stand-in-turned");
      assertClose(await probabilities(page), expected, 1e-4, "turned round");
      // In the middle of a classification, and back.
      await page.selectOption("#network-choice", "stand-in-head");
      await page.selectOption("#network-choice", "stand-in-turned");
      await pause(500);
      await waitForAnswerBy(page, "stand-in-turned");
      await page.locator("#reclassify-box").waitFor({ state: "hidden" });
    },
    {
      meddle: async (name, kind) => {
        const late = { "stand-in-head": 1500, "stand-in-tags": 700 }[name] ?? 0;
        await pause(kind === "safetensors" ? late : 0);
      },
    },
  ),
);

test("a choice in the middle of a recording takes effect at once", { timeout: 3 * MINUTE }, () =>
  withStandIns(async (page) => {
    await choose(page, song);
    const expected = turned(await probabilities(page));
    await page.setInputFiles("#file", []);
    await page.setInputFiles("#file", song);
    await page.selectOption("#network-choice", "stand-in-turned");
    await waitForAnswerBy(page, "stand-in-turned");
    assertClose(await probabilities(page), expected, 1e-4, "turned round");
  }),
);

test("the address chooses, and a name that is not there is said", { timeout: 3 * MINUTE }, async () => {
  await withStandIns(
    async (page) => {
      await choose(page, song);
      await uses(page, "stand-in-tags");
      await page.locator("#verdict", { hasText: /^Most fitting tags: / }).waitFor();
      await eventually(async () => assert.equal(await page.locator("#label-heading").textContent(), "Tag"));
    },
    { query: "&network=stand-in-tags" },
  );
  await withStandIns(
    async (page) => {
      await choose(page, song);
      await refusal(page, /net99 cannot be used: this site has no network of that name/);
      await uses(page, "stand-in-first");
    },
    { query: "&network=net99" },
  );
});

test("on the GPU every network is compared before it is used", { timeout: 15 * MINUTE }, () =>
  open(
    "?engine=gpu&software=1",
    async (page) => {
      await choose(page, song, { timeout: 8 * MINUTE });
      const first = await probabilities(page);
      assert.equal(await engine(page), "GPU");
      await page.selectOption("#network-choice", "stand-in-turned");
      await page.locator('#engine[data-choice="testing-gpu"]').waitFor({ timeout: MINUTE });
      await waitForAnswerBy(page, "stand-in-turned", 8 * MINUTE);
      assert.equal(await engine(page), "GPU");
      assertClose(await probabilities(page), turned(first), TOLERANCE, "turned round on the GPU");
    },
    { prepare: (page) => standIns(page) },
  ),
);
