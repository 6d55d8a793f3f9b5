// Faults around the service worker: updates that make networks look damaged, recordings that nobody shared.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import {
  anotherBuild,
  answers,
  first,
  MINUTE,
  NO_CONNECTION,
  offered,
  offlinePage,
  other,
  PLAIN,
  ready,
  retrain,
} from "./offline-page.mjs";

const visit = offlinePage();

test("6: a network whose weights an update changes is had, or the update is named; it is not called damaged", {
  timeout: 5 * MINUTE,
}, () =>
  visit(
    PLAIN,
    async (page, site) => {
      await ready(page);
      site.folder = anotherBuild((folder) => retrain(folder, other));
      await page.reload();
      await offered(page);
      await answers(page);
      await page.selectOption("#network-choice", other);
      const refused = page.locator("#network-error:not(:empty)");
      await refused.or(page.locator(`#network-choice[data-in-use="${other}"]`)).first().waitFor({ timeout: MINUTE });
      if (await refused.isVisible()) {
        const said = await refused.innerText();
        assert.doesNotMatch(said, /damaged|cut short/, "nothing is damaged: the server has the next version's");
        assert.match(said, /new(er)? version|update/i);
      }
      await answers(page);
    },
    { expected: NO_CONNECTION },
  ),
);

/** A site of somebody else, whose page posts a recording to this address as soon as it is opened. */
async function stranger(target, use) {
  const page = `<!doctype html><title>elsewhere</title><link rel="icon" href="data:,">
    <form method="post" enctype="multipart/form-data" action="${target}"><input type="file" name="audio"></form>`;
  const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(page));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  try {
    return await use(`http://localhost:${server.address().port}/`);
  } finally {
    server.closeAllConnections?.();
    server.close();
  }
}

test("16: a recording that another site posts is not opened", { timeout: 4 * MINUTE }, () =>
  visit(
    PLAIN,
    async (page, site) => {
      await ready(page);
      await stranger(`${site.address}share`, async (address) => {
        const victim = await page.context().newPage();
        await victim.goto(address);
        await Promise.all([
          victim.waitForURL((url) => url.href.startsWith(site.address)),
          victim.evaluate(() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(5000)], "a stranger's.wav", { type: "audio/wav" }));
            document.querySelector("input").files = transfer.files;
            document.querySelector("form").submit();
          }),
        ]);
        const opened = victim.locator("#recording, #error-text").filter({ hasText: "stranger" });
        const wrong = await opened.first().waitFor({ state: "attached", timeout: 6000 }).then(() => true, () => false);
        assert.equal(wrong, false, "it was opened as if the visitor had shared it");
        await victim.close();
      });
      const shared = await page.evaluate(async () => (await caches.keys()).filter((name) => name.includes("shared")));
      assert.deepEqual(shared, [], "nothing of it stays");
    },
    { expected: /another origin|404|405|403/ },
  ),
);

test("16: a share that could not be stored whole leaves nothing behind", { timeout: 4 * MINUTE }, () =>
  visit(
    PLAIN,
    async (page) => {
      await ready(page);
      const [worker] = page.context().serviceWorkers();
      await worker.evaluate(() => {
        const put = Cache.prototype.put;
        let stored = 0;
        Cache.prototype.put = function (request, ...rest) {
          if (String(request.url ?? request).includes("/shared/") && ++stored > 1) {
            return Promise.reject(new DOMException("no room", "QuotaExceededError"));
          }
          return put.call(this, request, ...rest);
        };
      });
      const landed = await page.evaluate(async () => {
        const body = new FormData();
        for (const name of ["one.wav", "two.wav"]) body.append("audio", new File(["sound"], name, { type: "audio/wav" }));
        return (await fetch("share", { method: "POST", body })).url;
      });
      assert.match(landed, /\?shared=/);
      const left = await page.evaluate(async () => {
        const names = (await caches.keys()).filter((name) => name.includes("shared"));
        const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
        return keys.flat().map(({ url }) => url);
      });
      assert.deepEqual(left, []);
    },
  ),
);
