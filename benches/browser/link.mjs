// A connection to a site as slow as wanted. It is slow here and not in the browser, whose own throttling leaves out what
// workers and the service worker fetch.
import { connect, createServer } from "node:net";

// One large file must not keep all others waiting.
const PIECE = 16 * 1024;

/**
 * Passes everything on to the site at an address, and back at so many bits a second in all. `address` is that of the site
 * at the end of the connection, and `sent()` are the bytes that came back so far, with their headers.
 */
export async function startLink(target, bitsPerSecond = Infinity) {
  const { hostname, port, pathname } = new URL(target);
  const sockets = new Set();
  let [sent, free] = [0, 0];

  /** Waits until these bytes are through. */
  async function transmitted(bytes) {
    free = Math.max(free, performance.now()) + (8000 * bytes) / bitsPerSecond;
    const wait = free - performance.now();
    if (wait > 1) await new Promise((done) => setTimeout(done, wait));
    sent += bytes;
  }

  async function passBack(site, browser) {
    for await (const data of site) {
      for (let at = 0; at < data.length; at += PIECE) {
        const piece = data.subarray(at, at + PIECE);
        await transmitted(piece.length);
        browser.write(piece);
      }
    }
    browser.end();
  }

  const server = createServer((browser) => {
    const site = connect(Number(port), hostname);
    for (const socket of [browser, site]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      // A browser closes connections when it likes.
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    browser.pipe(site);
    browser.on("close", () => site.destroy());
    passBack(site, browser).catch(() => browser.destroy());
  });
  await new Promise((done) => server.listen(0, hostname, done));
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { address: `http://${hostname}:${server.address().port}${pathname}`, sent: () => sent, stop };
}
