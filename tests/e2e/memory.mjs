// The memory of a page's process, as Linux counts it.
import { readFileSync } from "node:fs";

const MEBIBYTE = 1024; // in the kibibytes of /proc

/** The field of a `/proc` file, in MiB. */
function mebibytes(file, field) {
  const line = readFileSync(file, "utf8").split("\n").find((line) => line.startsWith(`${field}:`));
  return Number(/\d+/.exec(line)[0]) / MEBIBYTE;
}

/** The process that runs the pages and their workers: the largest renderer. */
async function renderer(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const renderers = processInfo
    .filter(({ type }) => type === "renderer")
    .map(({ id }) => ({ id, resident: mebibytes(`/proc/${id}/status`, "VmRSS") }));
  return renderers.sort((a, b) => b.resident - a.resident)[0].id;
}

/** The memory of a process now: `own` and `mapped`, in MiB. */
function memoryOf(process) {
  const [anonymous, shared, mapped] = ["RssAnon", "RssShmem", "RssFile"].map((field) =>
    mebibytes(`/proc/${process}/status`, field),
  );
  return { own: anonymous + shared, mapped };
}

/** The own memory of the page's renderer now, in MiB, once the page's garbage is collected. */
export async function ownMemory(browser, page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  await session.detach();
  return memoryOf(await renderer(browser)).own;
}

/**
 * Watches the renderer until `stop()` is called, which gives the peaks in MiB: `own`, its anonymous and
 * shared memory, as the browser's task manager counts, of the page, the worker and their buffers; and `mapped` besides,
 * the browser's own code, which all its processes share.
 */
export async function watchMemory(browser) {
  const process = await renderer(browser);
  const before = memoryOf(process);
  const peak = { ...before };
  const timer = setInterval(() => {
    const now = memoryOf(process);
    peak.own = Math.max(peak.own, now.own);
    peak.mapped = Math.max(peak.mapped, now.mapped);
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return { before, peak };
    },
  };
}
