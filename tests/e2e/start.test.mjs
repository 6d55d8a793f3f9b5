// Browsers that lack what the page needs: it says so at once, instead of failing later in silence.
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtPage } from "./built.mjs";

const MINUTE = 60_000;
const built = builtPage();

const OLD = {
  "without roundRect": () => delete CanvasRenderingContext2D.prototype.roundRect,
  "without SIMD": () => (WebAssembly.validate = () => false),
  "without module workers": () => {
    // Such a browser does not know the option, and so does not read it.
    const Native = globalThis.Worker;
    globalThis.Worker = class extends Native {
      constructor(address) {
        super(address);
      }
    };
  },
};

for (const [name, change] of Object.entries(OLD)) {
  test(`a browser ${name} is told at once which ones the page needs`, { timeout: MINUTE }, () =>
    built.open(
      "",
      async (page) => {
        // Less than the time after which the page takes itself to have failed.
        await page.locator("#too-old", { hasText: /Chrome or Edge\s+\d+, Firefox\s+\d+/ }).waitFor({ timeout: 8000 });
        assert.equal(page.workers().length, 0, "nothing is started in vain");
      },
      { prepare: (page) => page.addInitScript(change) },
    ),
  );
}

test("a browser that has them is told nothing", { timeout: 2 * MINUTE }, () =>
  built.onCpu(async (page) => {
    await page.locator('#engine[data-engine="cpu"]').waitFor({ timeout: MINUTE });
    assert.equal(await page.locator("#too-old").isVisible(), false);
  }),
);
