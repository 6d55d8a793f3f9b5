// Workers of the CPU engine side by side: they do what one does, in less time, and are told and ended as they should.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { builtPage } from "./built.mjs";
import { oneClipPerGenre, wav } from "./clips.mjs";
import { count, counted, passSeconds, setFault, watched } from "./faulty-workers.mjs";
import { choose } from "./genrelens-page.mjs";
import { madeFolder } from "./made.mjs";
import { chooseModel, collect, folderOf, madeClips, train } from "./training-page.mjs";

const MINUTE = 60_000;
const ONE = "?engine=cpu&network=net1-gtzan&workers=1";
const THREE = "?engine=cpu&network=net1-gtzan&workers=3";
/** The page's own worker is the first, the one that trains the second. */
const OWN = 2;
const [{ file: song }] = oneClipPerGenre();
const made = mkdtempSync(join(tmpdir(), "genrelens-"));
const long = join(made, "twenty minutes.wav");
const { open } = builtPage();

before(() => {
  // Another tone and another beat in every half minute.
  const part = (time) => 1 + Math.floor(time / 30);
  const signal = (time) => 0.3 * Math.sin(440 * part(time) * time) * Math.exp(-8 * ((time * (1 + (part(time) % 4))) % 1));
  writeFileSync(long, wav(20 * 60, 22_050, signal));
});

after(() => rmSync(made, { recursive: true, force: true }));

// Runs in the page before its own scripts, after the faults': keeps what a training tells at its end, and how many workers
// were at work on clips at one time.
function keepResults() {
  globalThis.trained = [];
  globalThis.classified = [];
  globalThis.most = 0;
  const Watched = globalThis.Worker;
  const atWork = new Map();
  globalThis.Worker = class extends Watched {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("message", ({ data }) => {
        const { id, body } = data.head ?? {};
        if (body?.Classified) globalThis.classified.push({ ...body.Classified, milliseconds: 0 });
        if (body?.Trained) globalThis.trained.push({ result: body.Trained.result, weights: data.payload.slice() });
        if (atWork.get(this) === id && (body === "Cancelled" || body?.Features || body?.Embedded || body?.Failed)) {
          atWork.delete(this);
        }
      });
    }

    postMessage(message, ...rest) {
      if (message.head?.body?.Embed) atWork.set(this, message.head.id);
      globalThis.most = Math.max(globalThis.most, atWork.size);
      super.postMessage(message, ...rest);
    }
  };
}

/** Watches the workers, with `faults` from the first on. */
const watch = (options) => async (page) => {
  await watched(page, options);
  await page.addInitScript(keepResults);
};

/** Trains on clips; what the engine told at the end, without the time it took. */
async function run(page, folder, clips, model, epochs) {
  await collect(page, folder, clips, 2);
  await chooseModel(page, model, epochs);
  // Without the time that it took.
  const said = (await train(page)).replace(/ Training took .*/, "");
  const found = await page.evaluate(() => {
    const { result, weights } = globalThis.trained.at(-1);
    // A safetensors file: the length of its header, the header with the card, the tensors.
    const header = new DataView(weights.buffer).getUint32(0, true);
    return { ...result, milliseconds: 0, tensors: [...weights.subarray(8 + header)] };
  });
  return { said, ...found, epochs: found.epochs.map((epoch) => ({ ...epoch, seconds: 0, milliseconds: 0 })) };
}

/** The result of a run on a page of its own. */
const ran = (query, folder, clips, model, options) =>
  open(query, async (page) => ({ page: await run(page, folder, clips, model, 3), most: await page.evaluate("most") }), {
    prepare: watch(options),
  });

for (const model of ["tuned:net1-gtzan", "lens"]) {
  test(`three workers train ${model} exactly as one does`, { timeout: 6 * MINUTE }, async () => {
    const folder = folderOf(madeClips(8, 9));
    const [one, three] = [await ran(ONE, folder, 16, model), await ran(THREE, folder, 16, model)];
    assert.equal(one.most, 1);
    assert.ok(three.most > 1, `${three.most} worked side by side`);
    assert.deepEqual(three.page, one.page);
  });
}

test("a worker that ends on a clip is told once, and the others do its work", { timeout: 6 * MINUTE }, async () => {
  const folder = folderOf(madeClips(8, 9));
  const one = await ran(ONE, folder, 16, "lens");
  await open(
    THREE,
    async (page) => {
      // Every worker that helps ends on its first clip.
      for (const number of [OWN + 1, OWN + 2]) {
        await setFault(page, { number, request: "Embed", does: "die", times: 1 });
      }
      const notices = await page.evaluateHandle(() => {
        const told = [];
        const place = document.querySelector("#train-notice");
        new MutationObserver(() => place.textContent && told.push(place.textContent)).observe(place, {
          childList: true,
          characterData: true,
          subtree: true,
        });
        return told;
      });
      const { said, ...found } = await run(page, folder, 16, "lens", 3);
      const { said: expected, ...alone } = one.page;
      assert.equal(said, expected);
      assert.deepEqual(found, alone);
      const told = (await notices.jsonValue()).filter((notice) => /stopped/.test(notice));
      assert.deepEqual(told, ["One of the workers that read the clips stopped; the others go on with its clips."]);
      const ended = await page.evaluate(() => globalThis.workers.filter(({ silent }) => silent).map(({ number }) => number));
      assert.ok(ended.length >= 1 && ended.every((number) => number > 2), `ended: ${ended}`);
    },
    { prepare: watch() },
  );
});

test("a worker that cannot start leaves its work to the others", { timeout: 3 * MINUTE }, () =>
  open(
    THREE,
    async (page) => {
      await setFault(page, { number: OWN + 1, event: "Ready", does: "die" });
      await setFault(page, { number: OWN + 2, event: "Ready", does: "die" });
      const { answers } = await run(page, madeFolder({ noise: 12, tone: 12 }), 24, "lens", 1);
      assert.equal(answers.length, 24);
    },
    { prepare: watch() },
  ),
);

test("a cancel ends the work of all, and the next run uses them again", { timeout: 4 * MINUTE }, () =>
  open(
    THREE,
    async (page) => {
      await collect(page, folderOf(madeClips(6, 120)), 12, 2);
      await chooseModel(page, "tuned:net1-gtzan", 1);
      await page.locator("#train-start:enabled").click({ timeout: MINUTE });
      await page.waitForFunction(() => globalThis.most === 3, null, { timeout: MINUTE });
      await page.click("#train-stop");
      await page.locator('#page[data-stage="idle"]').waitFor({ timeout: MINUTE });
      // What they had begun is cancelled, or was over.
      const busy = () =>
        globalThis.workers.every(({ asked, told }) => {
          const of = (counts, kinds) => kinds.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
          return of(asked, ["Embed", "KeepFeatures"]) === of(told, ["Embedded", "Features", "Cancelled", "Failed"]);
        });
      await page.waitForFunction(busy, null, { timeout: 10_000 });
      const asked = await count(page, "asked", "Embed");
      const cancelled = await count(page, "told", "Cancelled");
      assert.ok(cancelled >= 1, "long clips were cancelled on the way");
      await page.waitForTimeout(1000);
      assert.equal(await count(page, "asked", "Embed"), asked, "nothing is begun any more");
      const workers = await page.evaluate(() => globalThis.workers.length);
      await train(page);
      assert.equal(await page.evaluate(() => globalThis.trained[0].result.answers.length), 12);
      assert.equal(await page.evaluate(() => globalThis.workers.length), workers, "the same workers");
    },
    { prepare: watch() },
  ),
);

test("300 clips are embedded by three workers, which compile once, do each clip once, and end", { timeout: 6 * MINUTE }, async () => {
  const fetched = [];
  const prepare = async (page) => {
    page.on("request", (request) => fetched.push(request.url()));
    await watch({ clock: true })(page);
  };
  await open(
    THREE,
    async (page) => {
      const { answers } = await run(page, madeFolder({ noise: 150, tone: 150 }), 300, "tuned:net1-gtzan", 1);
      assert.equal(answers.length, 300);
      assert.equal(await page.evaluate("most"), 3);
      assert.equal(await count(page, "asked", "Embed"), 300);
      const helped = await count(page, "told", "Features");
      assert.ok(helped > 50 && helped < 250, `${helped} of 300 by helpers`);
      assert.equal(fetched.filter((url) => url.includes("cpu_worker_bg")).length, 1, "all run one module");
      // The features are kept: nothing is computed a second time.
      await train(page);
      assert.equal(await count(page, "asked", "Embed"), 300);
      const running = () => page.evaluate(() => globalThis.workers.filter(({ ended }) => !ended).length);
      await passSeconds(page, 30);
      assert.equal(await running(), OWN, "without work they end");
    },
    { prepare },
  );
});

test("a clip whose format only the browser knows is decoded there once", { timeout: 3 * MINUTE }, () =>
  open(
    THREE,
    async (page) => {
      // As an engine that knows none of the formats.
      await page.evaluate(() => {
        const post = globalThis.Worker.prototype.postMessage;
        globalThis.Worker.prototype.postMessage = function (message, ...rest) {
          const { id, body } = message.head ?? {};
          if (!body?.Embed || body.Embed.sample_rate) return post.call(this, message, ...rest);
          const head = { id, body: { Unsupported: { message: "no" } } };
          const data = { head, payload: undefined };
          setTimeout(() => this.dispatchEvent(new MessageEvent("message", { data })), 5);
        };
      });
      const { answers } = await run(page, madeFolder({ noise: 6, tone: 6 }), 12, "lens", 1);
      assert.equal(answers.length, 12);
      assert.equal(await count(page, "asked", "Embed", "cpu"), 12, "by the training worker alone");
      assert.equal(await count(page, "told", "Features"), 0);
    },
    { prepare: watch() },
  ),
);

for (const [about, navigator, helpers] of [
  ["of four cores three compute", { hardwareConcurrency: 4, deviceMemory: 8 }, 2],
  ["with little memory one does", { hardwareConcurrency: 4, deviceMemory: 1 }, 0],
  ["where data is saved one does", { hardwareConcurrency: 4, deviceMemory: 8, connection: { saveData: true } }, 0],
]) {
  test(`${about}, and none is started before there are clips`, { timeout: 3 * MINUTE }, () =>
    open(
      "?engine=cpu&network=net1-gtzan",
      async (page) => {
        const workers = () => page.evaluate(() => globalThis.workers.length);
        await choose(page, song);
        assert.equal(await workers(), 1);
        await run(page, folderOf(madeClips(8, 9)), 16, "tuned:net1-gtzan", 1);
        await counted(page, "told", "Trained", 1);
        assert.equal(await workers(), OWN + helpers);
      },
      {
        prepare: async (page) => {
          await page.addInitScript((values) => {
            for (const [name, value] of Object.entries(values)) {
              Object.defineProperty(Navigator.prototype, name, { configurable: true, get: () => value });
            }
          }, navigator);
          await watch()(page);
        },
      },
    ),
  );
}

/** What the engine told of the long recording at its end. */
async function classified(page) {
  await choose(page, long, { timeout: 3 * MINUTE });
  return page.evaluate(() => globalThis.classified.at(-1));
}

/** Classifies the long recording on a page of its own; then `use`. */
const heard = (query, use = () => {}, options = {}) =>
  open(
    query,
    async (page) => {
      const found = await classified(page);
      await use(page);
      return found;
    },
    { prepare: watch(options) },
  );

test("three workers classify a long recording exactly as one does", { timeout: 8 * MINUTE }, async () => {
  const one = await heard(ONE, async (page) => assert.equal(await count(page, "told", "Segment"), 0));
  assert.ok(one.windows.length > 300, `${one.windows.length} windows`);
  const three = await heard(THREE, async (page) => {
    const helped = await count(page, "told", "SegmentPredicted");
    assert.ok(helped > 5 && helped < 40, `${helped} of 40 segments by helpers`);
    assert.equal(await page.evaluate(() => globalThis.workers.length), 3);
  });
  assert.deepEqual(three, one);
});

test("a worker that ends on a segment is told once, and the answer is the same", { timeout: 8 * MINUTE }, async () => {
  const one = await heard(ONE);
  const faults = [2, 3].map((number) => ({ number, request: "PredictSegment", does: "die", times: 1 }));
  const told = async (page) => {
    const warnings = await page.locator("#warnings").innerText();
    assert.equal(warnings.match(/One of the workers on this recording stopped/g)?.length, 1, warnings);
  };
  assert.deepEqual(await heard(THREE, told, { faults }), one);
});

test("a cancel ends the work on all segments, and the next recording has helpers", { timeout: 8 * MINUTE }, () =>
  heard(THREE, async (page) => {
    await page.setInputFiles("#file", []);
    const before = await count(page, "told", "SegmentPredicted");
    await page.setInputFiles("#file", long);
    await counted(page, "told", "SegmentPredicted", before + 1);
    await page.click("#cancel");
    const over = () =>
      globalThis.workers.every(({ asked, told }) => {
        const answered = (told.SegmentPredicted ?? 0) + (told.Cancelled ?? 0) + (told.Classified ?? 0);
        return (asked.PredictSegment ?? 0) + (asked.Classify ?? 0) === answered;
      });
    await page.waitForFunction(over, null, { timeout: 10_000 });
    const [answer] = await page.evaluate(() => globalThis.classified);
    await page.setInputFiles("#file", []);
    assert.deepEqual(await classified(page), answer);
  }),
);
