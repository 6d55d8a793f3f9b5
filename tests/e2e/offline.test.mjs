// Without a connection: the page is stored whole, and sends nothing anywhere.
import assert from "node:assert/strict";
import { test } from "node:test";
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
  standing,
  trainSaveAndOpen,
} from "./offline-page.mjs";
import { fileNamed } from "./builds.mjs";
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

test("the page's policy comes with every file", { timeout: 2 * MINUTE }, () =>
  visit(PLAIN, async (page, site) => {
    for (const file of ["", fileNamed(DIST, "cpu_worker_loader.js"), "service-worker.js"]) {
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
      assert.ok(requests.some(({ url }) => /gpu_worker_bg\b[^/]*\.wasm$/.test(url)), "those of the service worker are among them");
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
