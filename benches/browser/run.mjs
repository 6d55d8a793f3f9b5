// Opens the page that `cargo xtask bench` has put together, writes the front ends that it found as JSON to the file of
// the first argument, compares essentia.js with the front end of the second, and prints a line for every median: key,
// what, runs, milliseconds.
import { writeFile } from "node:fs/promises";
import { startBrowser, withPage } from "../../tests/e2e/browser.mjs";
import { startSite } from "../../tests/e2e/site.mjs";
import { isolate } from "./beside.mjs";
import { median } from "./times.mjs";

const [file, compared] = process.argv.slice(2);

async function measure() {
  const site = await startSite();
  const browser = await startBrowser({ webgpu: false });
  try {
    const use = (page) => page.evaluate(async (name) => (await import("./page.mjs")).measure(name), compared);
    const found = await withPage(browser, site.address, use, { prepare: (page) => page.route("**/*", isolate) });
    return { ...found, browser: `Chromium ${browser.version().split(".")[0]}` };
  } finally {
    await browser.close();
    site.stop();
  }
}

const print = (key, what, times) => console.log([key, what, times.length, median(times)].join("\t"));

const { frontEnds, essentia, browser } = await measure();
await writeFile(file, JSON.stringify(frontEnds));
for (const { name, builds } of frontEnds) {
  for (const [build, times] of Object.entries(builds)) {
    print(`${build}/${name}`, `${browser}: ours, ${build === "simd" ? "SIMD" : "no SIMD"}, ${name}`, times);
  }
}
const alike = `log bands correlate with ours by ${essentia.alike.toFixed(4)}`;
print(`essentia/${compared}`, `${browser}: essentia.js 0.1.3, frame by frame, ${compared} (${alike})`, essentia.times);
