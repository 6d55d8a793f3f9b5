// What a page's process holds, as Linux counts it.
import { readFileSync } from "node:fs";

const MEBIBYTE = 1024; // in the kibibytes of /proc

/** The field of a `/proc` file, in MiB. */
function mebibytes(file, field) {
  const line = readFileSync(file, "utf8").split("\n").find((line) => line.startsWith(`${field}:`));
  return Number(/\d+/.exec(line)[0]) / MEBIBYTE;
}

/** The process that runs the pages and their workers: the renderer that holds most. */
async function renderer(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const held = processInfo
    .filter(({ type }) => type === "renderer")
    .map(({ id }) => ({ id, resident: mebibytes(`/proc/${id}/status`, "VmRSS") }));
  return held.sort((a, b) => b.resident - a.resident)[0].id;
}

/**
 * Watches the renderer's resident memory until `stop()` is called, which gives `{ before, peak }` in MiB. All of the
 * process counts: the browser's own code that is mapped into it, the page, the worker, their buffers.
 */
export async function watchMemory(browser) {
  const process = await renderer(browser);
  const resident = () => mebibytes(`/proc/${process}/status`, "VmRSS");
  const before = resident();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, resident());
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return { before, peak };
    },
  };
}
