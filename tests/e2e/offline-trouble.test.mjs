// Files that are damaged, cut short or halted, storage that is full or forbidden: each ends in a sentence and a page that
// works.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { fileNamed } from "./builds.mjs";
import { counted, passTime, watched } from "./faulty-workers.mjs";
import { useNetwork, waitForAnswerBy } from "./genrelens-page.mjs";
import {
  answers,
  connect,
  disconnect,
  first,
  MINUTE,
  NO_CONNECTION,
  offlinePage,
  other,
  PLAIN,
  ready,
  standing,
} from "./offline-page.mjs";
import { DIST } from "./site.mjs";

const visit = offlinePage();

/** Sends half of a file and hangs up. */
function cutShort(file, response) {
  const bytes = readFileSync(file);
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes.length });
  response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  return true;
}

test("weights that are cut short once are fetched again; always, that is said", { timeout: 5 * MINUTE }, () => {
  const cuts = [];
  return visit(
    PLAIN,
    async (page, site) => {
      await answers(page);
      assert.deepEqual(cuts, [`${first}.safetensors`], "once");
      site.meddle = (path, file, response) => path.endsWith(`${other}.safetensors`) && cutShort(file, response);
      await page.selectOption("#network-choice", other);
      const sentence = page.locator("#network-error", { hasText: `${other} cannot be used` });
      await sentence.waitFor({ timeout: MINUTE });
      await sentence.filter({ hasText: /broke off.*check the connection/ }).waitFor();
      await answers(page);
      site.meddle = null;
      await useNetwork(page, other);
    },
    {
      prepare: (_, site) => {
        site.meddle = (path, file, response) => {
          if (!path.endsWith(".safetensors") || cuts.length) return false;
          cuts.push(basename(path));
          return cutShort(file, response);
        };
      },
      expected: NO_CONNECTION,
    },
  );
});

test("weights whose transfer stands still are fetched again", { timeout: 3 * MINUTE }, () => {
  const halted = [];
  return visit(
    PLAIN,
    async (page) => {
      await counted(page, "told", "Ready", 1);
      await passTime(page, 10, () => globalThis.workers[0].asked.Load, "they are not fetched again");
      await answers(page);
      assert.deepEqual(halted, [`${first}.safetensors`], "once");
    },
    {
      prepare: async (page, site) => {
        await watched(page, { clock: true });
        site.meddle = (path, file, response) => {
          if (!path.endsWith(".safetensors") || halted.length) return false;
          halted.push(basename(path));
          const bytes = readFileSync(file);
          response.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes.length });
          response.write(bytes.subarray(0, bytes.length / 2));
          return true;
        };
      },
    },
  );
});

/** Replaces the bytes of a stored file. */
function damage(page, store, file) {
  return page.evaluate(
    async ([store, file]) => {
      const name = (await caches.keys()).find((name) => name.startsWith(`genrelens-${store}`));
      const cache = await caches.open(name);
      const bare = (url) => new URL(url).pathname.replace(/-[0-9a-f]{16}(?=\.)/, "");
      const [key] = (await cache.keys()).filter(({ url }) => bare(url).endsWith(`/${file}`));
      await cache.put(key, new Response("damaged", { headers: { "content-type": "application/wasm" } }));
    },
    [store, file],
  );
}

for (const file of ["cpu_worker_loader.js", "cpu_worker_bg.wasm"]) {
  test(`a damaged ${file} is said without a connection, and fetched anew with one`, { timeout: 6 * MINUTE }, () =>
    visit(
      PLAIN,
      async (page, site) => {
        await ready(page);
        await damage(page, "shell-", file);
        await disconnect(page, site);
        await page.reload();
        const trouble = page.locator("#offline-error");
        await trouble.filter({ hasText: `(${fileNamed(DIST, file)}) is damaged` }).waitFor({ timeout: MINUTE });
        await connect(page, site);
        await page.reload();
        await answers(page);
        await page.reload();
        await answers(page);
        await ready(page);
      },
      { expected: new RegExp(`${NO_CONNECTION.source}|cpu_worker`, "i") },
    ),
  );
}

test("a damaged page says so itself", { timeout: 5 * MINUTE }, () =>
  visit(
    PLAIN,
    async (page, site) => {
      await ready(page);
      await damage(page, "shell-", "start.js");
      await damage(page, "shell-", "index.html");
      await disconnect(page, site);
      await page.reload();
      await page.locator("[role=alert]", { hasText: "is damaged. Connect to the internet" }).waitFor({ timeout: MINUTE });
      await connect(page, site);
      await page.reload();
      await answers(page);
    },
    { expected: new RegExp(`${NO_CONNECTION.source}|503`, "i") },
  ),
);

test("damaged weights are found and fetched anew", { timeout: 5 * MINUTE }, () => {
  const fetched = [];
  return visit(
    PLAIN,
    async (page) => {
      await ready(page);
      await damage(page, "weights-", `${first}.safetensors`);
      page.on("request", (request) => request.url().includes(".safetensors") && fetched.push(request.url()));
      await page.reload();
      await answers(page);
      assert.equal(fetched.length, 1);
      await ready(page);
      await page.reload();
      await answers(page);
      assert.equal(fetched.length, 1, "the good ones are kept");
    },
  );
});

test("where there is no room, that is said, and the page works", { timeout: 6 * MINUTE }, () => {
  let limit;
  return visit(
    PLAIN,
    async (page) => {
      await standing(page, "unavailable");
      await page.locator("#offline-status", { hasText: "not enough free space" }).waitFor();
      await answers(page);
      await limit(undefined);
      await page.click("#offline-enable");
      await ready(page);
    },
    {
      prepare: async (page, site) => {
        const session = await page.context().newCDPSession(page);
        const { origin } = new URL(site.address);
        limit = (quotaSize) => session.send("Storage.overrideQuotaForOrigin", { origin, ...(quotaSize && { quotaSize }) });
        await limit(1_000_000);
      },
      expected: /room|install|service.?worker|quota/i,
    },
  );
});

test("where the browser lets nothing be stored, that is said, and the page works", { timeout: 5 * MINUTE }, () =>
  visit(
    PLAIN,
    async (page) => {
      await standing(page, "unavailable");
      await page.locator("#offline-status", { hasText: "does not let it store anything" }).waitFor();
      await answers(page);
      await useNetwork(page, other);
      await waitForAnswerBy(page, other);
    },
    {
      prepare: (page) =>
        page.addInitScript(() => {
          const get = () => {
            throw new DOMException("storage is blocked", "SecurityError");
          };
          for (const name of ["caches", "localStorage", "indexedDB"]) Object.defineProperty(globalThis, name, { get });
          Object.defineProperty(Navigator.prototype, "serviceWorker", { get });
        }),
    },
  ),
);
