// Without a connection: the page is stored whole, is updated only when the visitor wants it, and sends nothing anywhere.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./clips.mjs";
import { engine, useNetwork, waitForAnswerBy, waitForEngine } from "./genrelens-page.mjs";
import {
  answers,
  disconnect,
  first,
  MINUTE,
  NO_CONNECTION,
  offlinePage,
  other,
  PLAIN,
  ready,
  song,
  standing,
  trainSaveAndOpen,
} from "./offline-page.mjs";
import { DIST } from "./site.mjs";

const visit = offlinePage();

for (const base of ["/", "/a/project/"]) {
  test(`once ready, everything works without a connection, under ${base}`, { timeout: 25 * MINUTE }, () =>
    visit(
      PLAIN,
      async (page, site) => {
        await ready(page);
        await page.locator("#offline-ready", { hasText: /^Ready to work offline/ }).waitFor();
        await disconnect(page, site);
        // Also without loading it again.
        await answers(page);
        await page.reload();
        await ready(page);
        assert.equal(await page.locator("#offline-ready").textContent(), "", "it is said once");
        await answers(page);
        await waitForEngine(page, "CPU", MINUTE);
        await trainSaveAndOpen(page);
        await page.goto(`${site.address}?engine=gpu&software=1&network=${first}`);
        await waitForEngine(page, "GPU", 8 * MINUTE);
        await answers(page, { timeout: 5 * MINUTE });
        assert.equal(await engine(page), "GPU");
      },
      { base, expected: NO_CONNECTION },
    ),
  );
}

test("a network is stored on request, and then needs no connection", { timeout: 6 * MINUTE }, () =>
  visit(
    PLAIN,
    async (page, site) => {
      await ready(page);
      await page.locator("#offline summary").click();
      await page.click(`[data-download="${other}"]`);
      await page.locator(`[data-network="${other}"]`, { hasText: "stored on this device" }).waitFor({ timeout: MINUTE });
      await disconnect(page, site);
      await page.reload();
      await answers(page);
      await useNetwork(page, other);
      await waitForAnswerBy(page, other);
    },
    { expected: NO_CONNECTION },
  ),
);

test("a page whose address asks for another network gets ready too", { timeout: 6 * MINUTE }, () =>
  visit(
    `?engine=cpu&network=${other}`,
    async (page, site) => {
      await ready(page);
      await disconnect(page, site);
      await page.goto(`${site.address}${PLAIN}`);
      await answers(page);
    },
    { expected: NO_CONNECTION },
  ),
);

/** The built page with one harmless change, and one by `change(folder)`, finished as every build is. */
function anotherBuild(change) {
  const folder = join(mkdtempSync(join(tmpdir(), "genrelens-")), "dist");
  cpSync(DIST, folder, { recursive: true });
  appendFileSync(join(folder, "start.js"), "// Another build.\n");
  change?.(folder);
  const xtask = process.env.GENRELENS_XTASK;
  if (!xtask) throw new Error("GENRELENS_XTASK names no xtask: run this through `cargo xtask test e2e`");
  execFileSync(xtask, ["post-build"], { cwd: ROOT, env: { ...process.env, TRUNK_STAGING_DIR: folder } });
  return folder;
}

/** Other weights for a network, by the last digit of one of them, and the card that goes with them. */
function retrain(folder, name) {
  const file = join(folder, "model-weights", name);
  const weights = readFileSync(`${file}.safetensors`);
  weights[weights.length - 2] ^= 1;
  writeFileSync(`${file}.safetensors`, weights);
  const card = JSON.parse(readFileSync(`${file}.json`, "utf8"));
  card.sha256 = createHash("sha256").update(weights).digest("hex");
  writeFileSync(`${file}.json`, JSON.stringify(card));
}

const offered = (page) =>
  page.locator("#update-text", { hasText: "A new version of GenreLens is ready" }).waitFor({ timeout: 3 * MINUTE });

const isRenewed = (page) => page.evaluate(async () => (await (await fetch("start.js")).text()).includes("Another build"));

test("a newer build is offered; declined, the old one goes on; accepted, the new one works offline", {
  timeout: 10 * MINUTE,
}, () => {
  const weights = [];
  return visit(
    PLAIN,
    async (page, site) => {
      await ready(page);
      site.folder = anotherBuild();
      page.context().on("request", (request) => request.url().includes(".safetensors") && weights.push(request.url()));
      await page.reload();
      await offered(page);
      assert.equal(await isRenewed(page), false, "not unasked");
      await page.click("#update-later");
      // It goes with the next frame.
      await page.locator("#update-box").waitFor({ state: "hidden", timeout: MINUTE });
      await answers(page);
      await page.reload();
      await offered(page);
      assert.equal(await isRenewed(page), false, "declined, the old one goes on");
      await answers(page);

      await Promise.all([page.waitForEvent("load", { timeout: MINUTE }), page.click("#update-now")]);
      await ready(page);
      assert.equal(await isRenewed(page), true);
      assert.equal(await page.locator("#update-box").isVisible(), false);
      assert.deepEqual(weights, [], "the weights outlive the version");
      const shells = await page.evaluate(async () => (await caches.keys()).filter((name) => name.includes("-shell-")));
      assert.equal(shells.length, 1, `only the new version is kept: ${shells}`);
      await disconnect(page, site);
      await page.reload();
      assert.equal(await isRenewed(page), true);
      await answers(page);
    },
    { expected: NO_CONNECTION },
  );
});

test("a newer build with other weights answers offline from its first moment", { timeout: 8 * MINUTE }, () =>
  visit(
    PLAIN,
    async (page, site) => {
      await ready(page);
      site.folder = anotherBuild((folder) => retrain(folder, first));
      await page.reload();
      await offered(page);
      await answers(page);
      // Before it is accepted, so that the page itself cannot fetch what is missing.
      await disconnect(page, site);
      await Promise.all([page.waitForEvent("load", { timeout: MINUTE }), page.click("#update-now")]);
      await ready(page);
      assert.equal(await isRenewed(page), true);
      await answers(page);
    },
    { expected: NO_CONNECTION },
  ),
);

test("the page's policy comes with every file", { timeout: 2 * MINUTE }, () =>
  visit(PLAIN, async (page, site) => {
    for (const file of ["", "cpu_worker_loader.js", "service-worker.js"]) {
      const { headers } = await page.evaluate(async (url) => {
        const response = await fetch(url, { cache: "reload" });
        return { headers: Object.fromEntries(response.headers) };
      }, `${site.address}${file}`);
      assert.match(headers["content-security-policy"], /^default-src 'none'.*frame-ancestors 'none'$/, file);
      assert.match(headers["permissions-policy"], /microphone=\(self\)/, file);
      assert.equal(headers["referrer-policy"], "no-referrer", file);
    }
    const stopped = await page.evaluate(
      () =>
        new Promise((done) => {
          document.addEventListener("securitypolicyviolation", ({ blockedURI }) => done(blockedURI), { once: true });
          fetch("https://elsewhere.invalid/").catch(() => {});
        }),
    ).catch((error) => error.message);
    assert.match(stopped, /elsewhere\.invalid/);
  }, { expected: /^$/ }).then(
    () => assert.fail("a policy violation must fail the test that it happens in"),
    (error) => assert.match(error.message, /must not/),
  ),
);

test("no request of a whole visit goes to another origin or carries anything", { timeout: 10 * MINUTE }, () => {
  const requests = [];
  return visit(
    "?engine=cpu",
    async (page, site) => {
      await answers(page);
      await trainSaveAndOpen(page);
      await ready(page);
      await page.reload();
      await answers(page);
      assert.ok(requests.some(({ url }) => url.endsWith("gpu_worker_bg.wasm")), "those of the service worker are among them");
      for (const { url, method, body } of requests) {
        const { origin, protocol } = new URL(url);
        assert.ok(protocol === "blob:" || origin === new URL(site.address).origin, `another origin: ${url}`);
        assert.equal(method, "GET", url);
        assert.equal(body, null, `a body: ${url}`);
      }
      console.log(`${requests.length} requests, none with a body.`);
    },
    {
      prepare: (page) =>
        page.context().on("request", (request) =>
          requests.push({ url: request.url(), method: request.method(), body: request.postDataBuffer() }),
        ),
    },
  );
});

test("who saves data is asked first", { timeout: 5 * MINUTE }, () =>
  visit(
    PLAIN,
    async (page) => {
      await standing(page, "deferred");
      await page.click("#offline-enable");
      await ready(page);
    },
    {
      prepare: (page) =>
        page.addInitScript(() => Object.defineProperty(navigator, "connection", { value: { saveData: true } })),
    },
  ),
);

test("what another program shares is opened, and goes nowhere", { timeout: 5 * MINUTE }, () =>
  visit(
    PLAIN,
    async (page, site) => {
      assert.match(await page.locator("#manifest").getAttribute("href"), /^manifest\./, "without a worker nothing is taken");
      await ready(page);
      assert.equal(await page.locator("#manifest").getAttribute("href"), "sharing.webmanifest");
      const bytes = readFileSync(song).toString("base64");
      // As the system would, but for the form; and no server can notice.
      await disconnect(page, site);
      const landed = await page.evaluate(async (text) => {
        const body = new FormData();
        const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        body.append("audio", new File([data], "a song.wav", { type: "audio/wav" }));
        return (await fetch("share", { method: "POST", body })).url;
      }, bytes);
      assert.match(landed, /\?shared=yes$/);
      await page.goto(`${landed}&engine=cpu&network=${first}`);
      await page.locator('#page[data-state="done"]').waitFor({ timeout: MINUTE });
      assert.match(await page.locator("#recording").innerText(), /^a song\.wav/);
      await page.goto(`${site.address}?shared=none&engine=cpu&network=${first}`);
      await page.locator("#offline-error", { hasText: "did not reach" }).waitFor({ timeout: MINUTE });
      assert.equal(new URL(page.url()).search, PLAIN, "it is said once");
    },
    { expected: NO_CONNECTION },
  ),
);
