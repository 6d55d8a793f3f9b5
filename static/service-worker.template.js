// Stores all files of the page, or none of them, so that it works offline; and receives the recordings that other apps
// share with it. `cargo xtask post-build` replaces the string below by the list of the build's files.
//
// The networks' weights are not among them: the page stores those itself, by their SHA-256, so that they outlive an
// update. Only weights that an update replaces are downloaded with it.
const BUILD = "BUILD";

const HOME = new URL(registration.scope);
// One origin may host several copies of the page under different paths, and they share all storage.
const nameOf = (kind) => `genrelens-${kind} ${HOME.pathname}`;
const SHELL = nameOf(`shell-${BUILD.version}`);
const WEIGHTS = nameOf("weights-1");
const SHARED = nameOf("shared-1");
/** Stored last: the shell is complete if it has this entry, which no page requests. */
const COMPLETE_MARK = new URL("?whole", HOME).href;
const FILES = new Map(BUILD.files.map((file) => [file.path, file]));
/** How much is taken at one share: more could fill the device before the page sees it. */
const SHARED_MOST = { files: 100, bytes: 2 ** 30 };
/** How long a shared recording waits for its page, in milliseconds. */
const SHARED_WAIT_MS = 10 * 60_000;
/** How long a page may take to say if it is busy, in milliseconds. A suspended page is not. */
const BUSY_TIMEOUT_MS = 1000;

/** Errors of stored files since this worker started, for pages that were not listening yet. */
const errors = [];

const isShell = (name) => name.startsWith("genrelens-shell-") && name.endsWith(` ${HOME.pathname}`);
const addressOf = ({ path }) => new URL(path, HOME).href;
const all = (promises) =>
  Promise.allSettled(promises).then((outcomes) => {
    const failed = outcomes.find(({ status }) => status === "rejected");
    if (failed) throw failed.reason;
    return outcomes.map(({ value }) => value);
  });

/** Why a file is unavailable: `network`, `changed` (its bytes are not those of this build) or `room` (no space left). */
class UnavailableError extends Error {
  constructor(reason, file) {
    super(`${file.path}: ${reason}`);
    Object.assign(this, { reason, file: file.path });
  }
}

async function digest(bytes) {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The pages under this path; pages under other paths of the origin have their own worker. */
async function ownPages() {
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  return pages.filter(({ url }) => url.startsWith(HOME.href));
}

async function broadcast(message) {
  for (const page of await ownPages()) page.postMessage(message);
}

/** True if the whole page is stored. During the installation its cache exists already, but without the mark. */
async function isComplete() {
  return (await caches.has(SHELL)) && Boolean(await (await caches.open(SHELL)).match(COMPLETE_MARK));
}

/** The response to store for a file: with its media type and the security policy, whatever the server sends. */
function responseFor(file, bytes) {
  const headers = { ...BUILD.headers, "content-type": file.type, "content-length": bytes.byteLength };
  return new Response(bytes, { headers });
}

/** Downloads a file; a second time, bypassing all HTTP caches, if it is not the one of this build. */
async function download(file) {
  // Some hosts answer index.html with a redirect to its folder.
  const address = file.path === "index.html" ? HOME.href : addressOf(file);
  let error;
  for (const cache of ["default", "reload"]) {
    try {
      const response = await fetch(address, { cache, credentials: "same-origin" });
      if (!response.ok) throw new UnavailableError("network", file);
      const bytes = await response.arrayBuffer();
      if ((await digest(bytes)) === file.sha256) return responseFor(file, bytes);
      error = new UnavailableError("changed", file);
    } catch {
      error = new UnavailableError("network", file);
    }
  }
  throw error;
}

/** The file from an older version, if it has not changed since. */
async function reuse(file, older) {
  for (const cache of older) {
    const found = await cache.match(addressOf(file));
    const bytes = await found?.arrayBuffer();
    if (bytes && (await digest(bytes)) === file.sha256) return responseFor(file, bytes);
  }
  return null;
}

async function store(cache, file, response) {
  try {
    await cache.put(addressOf(file), response);
  } catch {
    throw new UnavailableError("room", file);
  }
}

/**
 * Downloads the weights that an update has changed: those of the first network, without which it cannot classify, and of
 * others that were stored. On a first visit the page itself stores what it downloads.
 */
async function updateWeights(shell) {
  const weights = await caches.open(WEIGHTS);
  const stored = new Set((await weights.keys()).map(({ url }) => url));
  if (!registration.active || !stored.size) return;
  const list = await shell.match(addressOf({ path: "model-weights/networks.json" }));
  const needed = `model-weights/${(await list.json()).first}.safetensors`;
  const names = new Set([...stored].map((address) => new URL(address).pathname));
  await all(
    BUILD.weights.map(async (key) => {
      const [path, sha256] = key.split("?sha256=");
      const isNeeded = path === needed;
      if (stored.has(addressOf({ path: key })) || !(isNeeded || names.has(new URL(path, HOME).pathname))) return;
      try {
        await store(weights, { path: key }, await download({ path, sha256, type: "application/octet-stream" }));
      } catch (error) {
        // The others are downloaded when they are next used.
        if (isNeeded) throw error;
      }
    }),
  );
}

async function install() {
  const total = BUILD.files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  try {
    const older = await all((await caches.keys()).filter(isShell).map((name) => caches.open(name)));
    const cache = await caches.open(SHELL);
    await all(
      BUILD.files.map(async (file) => {
        await store(cache, file, (await reuse(file, older)) ?? (await download(file)));
        done += file.bytes;
        await broadcast({ kind: "installing", done, total });
      }),
    );
    await updateWeights(cache);
    await store(cache, { path: COMPLETE_MARK }, new Response());
  } catch (error) {
    // A complete installation of this version stays; a partial one is deleted.
    await isComplete().then((complete) => complete || caches.delete(SHELL)).catch(() => {});
    await broadcast({ kind: "not-installed", reason: error.reason ?? "blocked", file: error.file ?? "" });
    throw error;
  }
}

/** Deletes older versions, and weights that this version does not use. */
async function activate() {
  await all((await caches.keys()).filter((name) => isShell(name) && name !== SHELL).map((name) => caches.delete(name)));
  const used = new Set(BUILD.weights.map((path) => new URL(path, HOME).href));
  const weights = await caches.open(WEIGHTS);
  await all((await weights.keys()).filter(({ url }) => !used.has(url)).map((request) => weights.delete(request)));
}

async function respond(file, request) {
  let found;
  try {
    // An incomplete installation must not serve a mixture of versions.
    if (!(await isComplete())) return fetch(request);
    found = await (await caches.open(SHELL)).match(addressOf(file));
    // A clone is hashed and the stored response itself is returned: browsers store the compiled code with it.
    if (found && (await digest(await found.clone().arrayBuffer())) === file.sha256) return found;
  } catch {
    return fetch(request);
  }
  return repair(file);
}

/** Downloads a file again whose stored copy is damaged or missing. */
async function repair(file) {
  try {
    const response = await download(file);
    // Another request may have found another version on the server, and deleted the installation.
    if (await isComplete()) await store(await caches.open(SHELL), file, response.clone()).catch(() => {});
    await report({ kind: "repaired", file: file.path });
    return response;
  } catch (error) {
    await report({ kind: "damaged", file: file.path });
    // The server has another version: the next visit installs all of it.
    if (error.reason === "changed") await caches.delete(SHELL);
    return file.path === "index.html" ? damagedPage() : Response.error();
  }
}

async function report(error) {
  errors.push(error);
  await broadcast(error);
}

function damagedPage() {
  const text = "The copy of GenreLens on this device is damaged. Connect to the internet and reload this page.";
  const page = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>GenreLens</title><p role="alert">${text}</p>`;
  return new Response(page, { status: 503, headers: { ...BUILD.headers, "content-type": "text/html; charset=utf-8" } });
}

/**
 * True unless another site sent this: any site may post a form to this address. The system opens a page of its own for a
 * share, and names no other site. (A site can hide that it is one; then the page opens what it sent, as if it was shared.)
 */
function isShare({ mode, destination, referrer, headers }) {
  const isOwn = (address) => !/^https?:/.test(address) || `${address}/`.startsWith(`${HOME.origin}/`);
  const from = headers.get("sec-fetch-site") ?? "none";
  const isPage = mode === "navigate" && destination === "document";
  return isPage && ["none", "same-origin"].includes(from) && isOwn(headers.get("origin")) && isOwn(referrer);
}

/** Stores shared recordings in a cache that the page reads when it starts; nothing is sent anywhere. */
async function share(request) {
  const home = (received) => Response.redirect(new URL(`./?shared=${received}`, HOME).href, 303);
  if (!isShare(request)) return home("none");
  const id = `${Date.now()}-${crypto.randomUUID()}`;
  try {
    await dropStaleShares();
    // A form without a file sends one without a name and without bytes.
    const isFile = (entry) => entry instanceof File && (entry.name || entry.size);
    const files = (await request.formData()).getAll("audio").filter(isFile);
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    if (!files.length || files.length > SHARED_MOST.files || bytes > SHARED_MOST.bytes) return home("none");
    const inbox = await caches.open(SHARED);
    for (const [index, file] of files.entries()) {
      await inbox.put(new URL(`shared/${id}/${index}/${encodeURIComponent(file.name)}`, HOME).href, new Response(file));
    }
    return home(id);
  } catch {
    await dropShared((_, own) => own === id).catch(() => {});
    return home("none");
  }
}

/** Deletes shared recordings by the time of their share, in milliseconds, and its id. */
async function dropShared(isDropped) {
  if (!(await caches.has(SHARED))) return;
  const inbox = await caches.open(SHARED);
  for (const request of await inbox.keys()) {
    const [id] = request.url.slice(HOME.href.length).split("/").slice(1);
    if (isDropped(parseInt(id, 10), id)) await inbox.delete(request);
  }
}

/** Deletes what no page has taken, also what earlier versions left. */
const dropStaleShares = () => dropShared((time) => !(time > Date.now() - SHARED_WAIT_MS)).catch(() => {});

/** True if a page is busy, as with a training run or a recording: an update would end that. */
function isBusy(page) {
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => done(data === true);
    setTimeout(done, BUSY_TIMEOUT_MS, false);
    page.postMessage({ kind: "are-you-busy" }, [port2]);
  });
}

/** Handlers of the messages of pages, by their kind. */
const handlers = {
  async hello(page) {
    page.postMessage({ kind: "here", whole: await isComplete() });
    for (const error of errors) page.postMessage(error);
    await dropStaleShares();
  },
  /** Installs the page again, after the browser or a repair deleted it. */
  async restore(page) {
    await install();
    page.postMessage({ kind: "here", whole: true });
  },
  /** Takes control of pages that were loaded before this worker was active, if they are of this build. */
  async claim(page, { files }) {
    if (files.every((path) => FILES.has(path))) await clients.claim();
  },
  async "take-over"(page) {
    const busy = await Promise.all((await ownPages()).map(isBusy));
    if (busy.includes(true)) return page.postMessage({ kind: "busy" });
    return skipWaiting();
  },
};

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(activate()));
addEventListener("message", (event) => {
  const handler = handlers[event.data?.kind];
  if (handler && event.source) event.waitUntil(handler(event.source, event.data));
});
addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (origin !== HOME.origin || !pathname.startsWith(HOME.pathname)) return;
  const path = pathname.slice(HOME.pathname.length);
  if (method === "POST" && path === "share") return event.respondWith(share(event.request));
  const file = method === "GET" && FILES.get(path || "index.html");
  if (file) event.respondWith(respond(file, event.request));
});
