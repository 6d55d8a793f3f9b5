// Recordings that other programs share with the page: taken once, sent nowhere, from no other site, and none is left behind.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { disconnect, first, MINUTE, NO_CONNECTION, offlinePage, PLAIN, ready, song } from "./offline-page.mjs";
import { DIST, startSite } from "./site.mjs";

const visit = offlinePage();
/** A host without `_headers`: the page's policy, which is in its own text, forbids it every form. */
const PLAIN_HOST = { maxAge: 600 };

/** A folder with a page that has the form of a share and nothing else, beside what is in `folder`. */
function withForm(folder) {
  const site = join(mkdtempSync(join(tmpdir(), "genrelens-")), "site");
  if (folder) cpSync(folder, site, { recursive: true });
  else cpSync(join(DIST, "icons"), join(site, "icons"), { recursive: true });
  const form = '<form method="post" enctype="multipart/form-data"><input type="file" name="audio" multiple><button>Share</button></form>';
  writeFileSync(join(site, "form.html"), `<!DOCTYPE html><title>A form</title><link rel="icon" href="data:,">${form}`);
  return site;
}

const sound = (name) => ({ name, mimeType: "audio/wav", buffer: readFileSync(song) });

/** Opens that form, and sends these files to the page's address for shares. `before` is done just before that. */
async function send(page, form, site, files, before = () => {}) {
  await page.goto(form);
  await page.setInputFiles("input", files);
  await page.$eval("form", (form, action) => (form.action = action), `${site.address}share`);
  await before();
  await page.click("button");
  await page.locator("#page").waitFor({ timeout: MINUTE });
}

/** The addresses of the shared recordings that are still stored. */
const stored = (page) =>
  page.evaluate(async () => {
    const name = (await caches.keys()).find((name) => name.startsWith("genrelens-shared"));
    return name ? (await (await caches.open(name)).keys()).map(({ url }) => url) : [];
  });

const refused = (page) => page.locator("#offline-error", { hasText: "did not reach" }).waitFor({ timeout: MINUTE });

test("what another program shares is opened, and goes nowhere", { timeout: 5 * MINUTE }, () =>
  visit(
    PLAIN,
    async (page, site) => {
      assert.match(await page.locator("#manifest").getAttribute("href"), /^manifest\./, "without a worker nothing is taken");
      await ready(page);
      assert.equal(await page.locator("#manifest").getAttribute("href"), "sharing.webmanifest");
      site.folder = withForm(DIST);
      // As the system would, but for the form; and no server can notice.
      await send(page, `${site.address}form.html`, site, [sound("a song.wav")], () => disconnect(page, site));
      await page.locator('#page[data-state="done"]').waitFor({ timeout: MINUTE });
      assert.match(await page.locator("#recording").innerText(), /^a song\.wav/);
      assert.equal(new URL(page.url()).search, "", "a reload does not ask for it again");
      assert.deepEqual(await stored(page), []);
      await page.goto(`${site.address}?shared=none&engine=cpu&network=${first}`);
      await refused(page);
      assert.equal(new URL(page.url()).search, PLAIN, "it is said once");
    },
    { ...PLAIN_HOST, expected: NO_CONNECTION },
  ),
);

test("a share that fails, is too much or comes from another site leaves nothing behind", { timeout: 5 * MINUTE }, async () => {
  const elsewhere = await startSite(PLAIN_HOST);
  elsewhere.folder = withForm();
  try {
    await visit(
      PLAIN,
      async (page, site) => {
        await ready(page);
        site.folder = withForm(DIST);
        const own = `${site.address}form.html`;
        const foreign = `${elsewhere.address.replace("127.0.0.1", "localhost")}form.html`;
        const many = Array.from({ length: 101 }, (_, index) => ({ name: `${index}.wav`, mimeType: "audio/wav", buffer: Buffer.of(1) }));
        for (const [about, form, files] of [
          ["another site", foreign, [sound("theirs.wav")]],
          ["another port", `${elsewhere.address}form.html`, [sound("theirs.wav")]],
          ["too many", own, many],
          ["none", own, []],
        ]) {
          await send(page, form, site, files);
          await refused(page);
          assert.deepEqual(await stored(page), [], about);
          assert.equal(await page.locator("#recording").innerText(), "", about);
        }
        // Of a page that was closed before it took them, and of an earlier version.
        await page.evaluate(async () => {
          const { pathname } = new URL("./", location);
          const inbox = await caches.open(`genrelens-shared-1 ${pathname}`);
          for (const name of ["shared/0/old.wav", "shared/1000-a/0/old.wav"]) await inbox.put(name, new Response("old"));
        });
        await page.goto(`${site.address}${PLAIN}`);
        await ready(page);
        await page.waitForFunction(async () => {
          const name = (await caches.keys()).find((name) => name.startsWith("genrelens-shared"));
          return !name || !(await (await caches.open(name)).keys()).length;
        }, null, { timeout: MINUTE });
      },
      { ...PLAIN_HOST, expected: /another origin|favicon|404/ },
    );
  } finally {
    elsewhere.stop();
  }
});
