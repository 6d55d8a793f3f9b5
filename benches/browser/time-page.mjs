// Prints how long the built page takes from its address to being usable, and to the answer for a song of 12 s that is
// given to it at once, and how many bytes that takes: `node time-page.mjs [--gpu] [--visits=5]`. docs/benchmarks.md explains
// the figures. Without --gpu the browser has no WebGPU: to try an emulated adapter is no visitor's usual work.
import { cpus, loadavg } from "node:os";
import { startBrowser, withPage } from "../../tests/e2e/browser.mjs";
import { wav } from "../../tests/e2e/clips.mjs";
import { startSite } from "../../tests/e2e/site.mjs";
import { startLink } from "./link.mjs";
import { digits, median } from "./times.mjs";

const words = process.argv.slice(2);
const REAL = words.includes("--gpu");
const VISITS = Number(words.find((word) => word.startsWith("--visits="))?.split("=")[1] ?? 5);
const CONNECTIONS = [
  { name: "unthrottled", bitsPerSecond: Infinity },
  { name: "10 Mbit/s", bitsPerSecond: 10e6 },
];
const MINUTE = 60_000;

/** Two tones, a beat twice a second. */
function song(seconds) {
  const beat = Math.exp(-4 * ((seconds * 2) % 1));
  return 0.3 * beat * (Math.sin(2 * Math.PI * 220 * seconds) + Math.sin(2 * Math.PI * 277 * seconds));
}

// Runs in the page before its own scripts: notes when it can be used, gives it the file then, and notes when the first
// answer is there. Times are in milliseconds since the address was asked for.
function watchPage(text) {
  const times = {};
  globalThis.visit = times;
  const give = () => {
    const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([data], "song.wav", { type: "audio/wav" }));
    const place = document.querySelector("#file");
    place.files = transfer.files;
    place.dispatchEvent(new Event("change", { bubbles: true }));
  };
  addEventListener("DOMContentLoaded", () => {
    const place = document.querySelector("[data-state]");
    const note = () => {
      const { state } = place.dataset;
      if (state !== "loading" && !times.usable) {
        times.usable = performance.now();
        // The page may still be at work on what it begins with.
        setTimeout(give);
      }
      if (state === "done") times.answered ??= performance.now();
    };
    new MutationObserver(note).observe(place, { attributeFilter: ["data-state"] });
    note();
  });
}

/** What the page noted, and the bytes that were sent since `before`. */
async function noted(page, link, before) {
  const found = await page.waitForFunction(() => globalThis.visit?.answered && globalThis.visit, null, { timeout: MINUTE });
  return { ...(await found.jsonValue()), bytes: link.sent() - before };
}

/** A first visit, and one more once the page is stored on the device. */
async function visited(browser, site, { bitsPerSecond }) {
  const link = await startLink(site.address, bitsPerSecond);
  const text = wav(12, 22_050, song).toString("base64");
  const use = async (page) => {
    const cold = await noted(page, link, 0);
    await page.locator('#offline[data-offline="ready"]').waitFor({ timeout: 4 * MINUTE });
    const stored = link.sent();
    await page.goto(link.address);
    const warm = await noted(page, link, stored);
    return [{ ...cold, all: stored }, { ...warm, all: warm.bytes }];
  };
  try {
    const prepare = (page) => page.addInitScript(watchPage, text);
    return await withPage(browser, link.address, use, { prepare, serviceWorkers: "allow" });
  } finally {
    link.stop();
  }
}

const spread = (values) => `${digits(median(values))} (${digits(Math.min(...values))} to ${digits(Math.max(...values))})`;

function row(connection, visit, found) {
  const of = (field) => found.map((one) => one[field]);
  const kilobytes = (field) => (median(of(field)) / 1000).toFixed(0);
  const cells = [connection, visit, spread(of("usable")), spread(of("answered")), kilobytes("bytes"), kilobytes("all")];
  return `| ${cells.join(" | ")} |`;
}

const site = await startSite({ compressed: true });
const browser = await startBrowser({ webgpu: REAL, graphics: REAL ? "real" : "emulated" });
try {
  const [day, load] = [new Date().toISOString().slice(0, 10), loadavg()[0].toFixed(1)];
  console.log(`${day}, Chromium ${browser.version()}, ${cpus().length} cores, load at the start ${load}.`);
  const found = CONNECTIONS.map((connection) => ({ connection, visits: [] }));
  for (let visit = 0; visit < VISITS; visit += 1) {
    for (const { connection, visits } of found) visits.push(await visited(browser, site, connection));
  }
  console.log(`\n**The page**: medians of ${VISITS} visits (least to largest)\n`);
  console.log("| connection | visit | usable, ms | first answer, ms | kB until the answer | kB until all is stored |");
  console.log("|---|---|---:|---:|---:|---:|");
  for (const { connection, visits } of found) {
    for (const [at, kind] of ["first", "next, stored"].entries()) {
      console.log(row(connection.name, kind, visits.map((visit) => visit[at])));
    }
  }
} finally {
  await browser.close();
  site.stop();
}
