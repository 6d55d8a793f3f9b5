// The built page on a free loopback port, under a path of its own: a link that is not relative breaks here.
import { createReadStream } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
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

async function fileFor(folder, path) {
  const root = await realpath(folder);
  const wanted = join(root, decodeURIComponent(path) || "index.html");
  const file = await realpath(wanted).catch(() => null);
  if (!file?.startsWith(root + sep)) return null;
  return (await stat(file)).isFile() ? file : null;
}

/** The headers that the built page's own `_headers` asks of its host for a path below its base. */
async function headersFor(folder, path) {
  const headers = {};
  let fits = false;
  // Folders that are no built page have none.
  const rules = await readFile(join(folder, "_headers"), "utf8").catch(() => "");
  for (const line of rules.split("\n")) {
    const [, name, value] = /^ {2}([^:]+): (.*)$/.exec(line) ?? [];
    if (!name) fits = line.endsWith("*") ? `/${path}`.startsWith(line.slice(0, -1)) : line === `/${path}`;
    else if (fits) headers[name] = value;
  }
  return headers;
}

async function answer(site, request, response) {
  // As where there is no connection.
  if (site.down) return request.socket.destroy();
  const { pathname } = new URL(request.url, "http://localhost");
  const path = pathname.startsWith(site.base) ? pathname.slice(site.base.length) : null;
  const file = path === null ? null : await fileFor(site.folder, path).catch(() => null);
  if (!file) {
    response.writeHead(404, { "content-type": "text/plain" }).end("not here");
    return;
  }
  if (site.meddle?.(path, file, response)) return;
  const isCompressed = site.compressed && (await stat(`${file}.br`).catch(() => null)) !== null;
  const sent = isCompressed ? `${file}.br` : file;
  const { mtimeMs, size } = await stat(sent);
  const headers = {
    ...(site.maxAge ? { "cache-control": `max-age=${site.maxAge}` } : await headersFor(site.folder, path)),
    "content-type": TYPES[extname(file)] ?? "application/octet-stream",
    ...(isCompressed ? { "content-encoding": "br" } : {}),
    etag: `"${mtimeMs.toString(36)}-${size.toString(36)}"`,
  };
  if (request.headers["if-none-match"] === headers.etag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, headers);
  createReadStream(sent).pipe(response);
}

/**
 * Serves the page; `address` is where it is, with a slash at the end. Another `folder` may be put in its place, it may be
 * `down`, and `meddle(path, file, response)` may answer itself, which it says by true. The headers are those that
 * `_headers` asks for; with `maxAge` they are those of a host that reads no such file, such as GitHub Pages, and lets
 * browsers keep every file for so many seconds. If it is `compressed`, what the build has compressed is sent so.
 */
export async function startSite({ base = BASE, maxAge = 0, compressed = false } = {}) {
  await stat(join(DIST, "index.html")).catch(() => {
    throw new Error(`${DIST} holds no built page: run \`cargo xtask build\``);
  });
  const site = { base, folder: DIST, maxAge, compressed, down: false, meddle: null };
  const server = createServer((request, response) =>
    answer(site, request, response).catch((error) => response.destroy(error)),
  );
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  site.address = `http://127.0.0.1:${server.address().port}${base}`;
  site.stop = () => {
    server.closeAllConnections?.();
    server.close();
  };
  return site;
}
