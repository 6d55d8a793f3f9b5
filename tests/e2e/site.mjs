// The built page on a free loopback port, under a path of its own: a link that is not relative breaks here.
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const BASE = "/any/path/";
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** The folder of the built page. */
export const DIST = process.env.GENRELENS_DIST ?? fileURLToPath(new URL("../../dist", import.meta.url));

async function fileFor(path) {
  if (!path.startsWith(BASE)) return null;
  const root = await realpath(DIST);
  const wanted = join(root, decodeURIComponent(path.slice(BASE.length)) || "index.html");
  const file = await realpath(wanted).catch(() => null);
  if (!file?.startsWith(root + sep)) return null;
  return (await stat(file)).isFile() ? file : null;
}

async function answer(request, response) {
  const file = await fileFor(new URL(request.url, "http://localhost").pathname).catch(() => null);
  if (!file) {
    response.writeHead(404, { "content-type": "text/plain" }).end("not here");
    return;
  }
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  response.writeHead(200, { "content-type": type, "x-content-type-options": "nosniff" });
  createReadStream(file).pipe(response);
}

/** Serves the page; `address` is where it is, with a slash at the end. */
export async function startSite() {
  await stat(join(DIST, "index.html")).catch(() => {
    throw new Error(`${DIST} holds no built page: run \`cargo xtask build\``);
  });
  const server = createServer(answer);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const address = `http://127.0.0.1:${server.address().port}${BASE}`;
  return {
    address,
    stop: () => {
      server.closeAllConnections?.();
      server.close();
    },
  };
}
