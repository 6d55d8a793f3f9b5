// Keeps the page, whole or not at all, so that it works without a connection; and takes the recordings that other
// programs share with it. `cargo xtask post-build` puts the list of the finished build in the place of the word below.
//
// The networks' weights are not here: the page keeps them itself, by their SHA-256, so that they outlive an update. Only
// what an update would make useless is fetched with it.
const BUILD = "BUILD";

const HOME = new URL(registration.scope);
// One site may have several pages of this kind under different paths, and they share all storage.
const nameOf = (kind) => `genrelens-${kind} ${HOME.pathname}`;
const SHELL = nameOf(`shell-${BUILD.version}`);
const WEIGHTS = nameOf("weights-1");
const SHARED = nameOf("shared-1");
/** What is put into the shell last; no page asks for it. */
const MARK = new URL("?whole", HOME).href;
const FILES = new Map(BUILD.files.map((file) => [file.path, file]));
/** How long a page may take to say whether it holds a lesson, in milliseconds. One that is asleep holds none. */
const PATIENCE = 1000;

/** What went wrong with stored files since this worker woke up, for pages that were not listening yet. */
const troubles = [];

const isShell = (name) => name.startsWith("genrelens-shell-") && name.endsWith(` ${HOME.pathname}`);
const addressOf = ({ path }) => new URL(path, HOME).href;
const all = (promises) =>
  Promise.allSettled(promises).then((outcomes) => {
    const failed = outcomes.find(({ status }) => status === "rejected");
    if (failed) throw failed.reason;
    return outcomes.map(({ value }) => value);
  });

/** Why a file is not to be had: `network`, `changed` (its bytes are not those of this build) or `room`. */
class Trouble extends Error {
  constructor(reason, file) {
    super(`${file.path}: ${reason}`);
    Object.assign(this, { reason, file: file.path });
  }
}

async function digest(bytes) {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The pages of this path: what other paths of the site show is none of this worker's business. */
async function ownPages() {
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  return pages.filter(({ url }) => url.startsWith(HOME.href));
}

async function tell(message) {
  for (const page of await ownPages()) page.postMessage(message);
}

/** True where all of the page is kept: while it comes, its store is there already. */
async function isWhole() {
  return (await caches.has(SHELL)) && Boolean(await (await caches.open(SHELL)).match(MARK));
}

/** The file as it is kept: with its own media type, and with the policy, whatever the server sends. */
function kept(file, bytes) {
  const headers = { ...BUILD.headers, "content-type": file.type, "content-length": bytes.byteLength };
  return new Response(bytes, { headers });
}

/** The file from the server: asked a second time, past every cache between, where it is not that of this build. */
async function fetched(file) {
  // Some hosts answer index.html with a redirect to its folder.
  const address = file.path === "index.html" ? HOME.href : addressOf(file);
  let trouble;
  for (const cache of ["default", "reload"]) {
    try {
      const response = await fetch(address, { cache, credentials: "same-origin" });
      if (!response.ok) throw new Trouble("network", file);
      const bytes = await response.arrayBuffer();
      if ((await digest(bytes)) === file.sha256) return kept(file, bytes);
      trouble = new Trouble("changed", file);
    } catch {
      trouble = new Trouble("network", file);
    }
  }
  throw trouble;
}

/** The file out of the version before, where it has not changed since. */
async function inherited(file, older) {
  for (const cache of older) {
    const found = await cache.match(addressOf(file));
    const bytes = await found?.arrayBuffer();
    if (bytes && (await digest(bytes)) === file.sha256) return kept(file, bytes);
  }
  return null;
}

async function store(cache, file, response) {
  try {
    await cache.put(addressOf(file), response);
  } catch {
    throw new Trouble("room", file);
  }
}

/**
 * Fetches the weights that an update has anew: those of the first network, without which it cannot answer, and of others
 * that were kept. On a first visit the page itself keeps what it fetched.
 */
async function renewWeights(shell) {
  const weights = await caches.open(WEIGHTS);
  const kept = new Set((await weights.keys()).map(({ url }) => url));
  if (!registration.active || !kept.size) return;
  const list = await shell.match(addressOf({ path: "model-weights/networks.json" }));
  const needed = `model-weights/${(await list.json()).first}.safetensors`;
  const names = new Set([...kept].map((address) => new URL(address).pathname));
  await all(
    BUILD.weights.map(async (key) => {
      const [path, sha256] = key.split("?sha256=");
      const isNeeded = path === needed;
      if (kept.has(addressOf({ path: key })) || !(isNeeded || names.has(new URL(path, HOME).pathname))) return;
      try {
        await store(weights, { path: key }, await fetched({ path, sha256, type: "application/octet-stream" }));
      } catch (trouble) {
        // The others are fetched when they are next wanted.
        if (isNeeded) throw trouble;
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
        await store(cache, file, (await inherited(file, older)) ?? (await fetched(file)));
        done += file.bytes;
        await tell({ kind: "installing", done, total });
      }),
    );
    await renewWeights(cache);
    await store(cache, { path: MARK }, new Response());
  } catch (trouble) {
    // One that was kept before is as good as it was.
    await isWhole().then((whole) => whole || caches.delete(SHELL)).catch(() => {});
    await tell({ kind: "not-installed", reason: trouble.reason ?? "blocked", file: trouble.file ?? "" });
    throw trouble;
  }
}

/** Forgets the version before, and the weights that this one has no use for. */
async function activate() {
  await all((await caches.keys()).filter((name) => isShell(name) && name !== SHELL).map((name) => caches.delete(name)));
  const wanted = new Set(BUILD.weights.map((path) => new URL(path, HOME).href));
  const weights = await caches.open(WEIGHTS);
  await all((await weights.keys()).filter(({ url }) => !wanted.has(url)).map((request) => weights.delete(request)));
}

async function answer(file, request) {
  let found;
  try {
    // Without all of its files this worker is out of the way.
    if (!(await isWhole())) return fetch(request);
    found = await (await caches.open(SHELL)).match(addressOf(file));
    // A copy is weighed, and the kept response itself answers: browsers keep the compiled code with it.
    if (found && (await digest(await found.clone().arrayBuffer())) === file.sha256) return found;
  } catch {
    return fetch(request);
  }
  return replaced(file);
}

/** The file anew, where the kept one is damaged or gone. */
async function replaced(file) {
  try {
    const response = await fetched(file);
    // Another request may have found that the server has another version, and thrown all away.
    if (await isWhole()) await store(await caches.open(SHELL), file, response.clone()).catch(() => {});
    await report({ kind: "repaired", file: file.path });
    return response;
  } catch (trouble) {
    await report({ kind: "damaged", file: file.path });
    // The server has another version by now: the next visit takes all of it from there.
    if (trouble.reason === "changed") await caches.delete(SHELL);
    return file.path === "index.html" ? apology() : Response.error();
  }
}

async function report(trouble) {
  troubles.push(trouble);
  await tell(trouble);
}

function apology() {
  const text = "The copy of GenreLens on this device is damaged. Connect to the internet and load this page again.";
  const page = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>GenreLens</title><p role="alert">${text}</p>`;
  return new Response(page, { status: 503, headers: { ...BUILD.headers, "content-type": "text/html; charset=utf-8" } });
}

/** Puts shared recordings where the page looks for them when it starts; nothing is sent anywhere. */
async function share(request) {
  const home = (came) => Response.redirect(new URL(`./?shared=${came}`, HOME).href, 303);
  try {
    const files = (await request.formData()).getAll("audio").filter((entry) => entry instanceof File);
    await caches.delete(SHARED);
    const inbox = await caches.open(SHARED);
    for (const [place, file] of files.entries()) {
      await inbox.put(new URL(`shared/${place}/${encodeURIComponent(file.name)}`, HOME).href, new Response(file));
    }
    return home(files.length ? "yes" : "none");
  } catch {
    return home("none");
  }
}

/** True where a page holds a lesson, which an update would end. */
function isBusy(page) {
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => done(data === true);
    setTimeout(done, PATIENCE, false);
    page.postMessage({ kind: "are-you-busy" }, [port2]);
  });
}

/** What pages ask for. */
const acts = {
  async hello(page) {
    page.postMessage({ kind: "here", whole: await isWhole() });
    for (const trouble of troubles) page.postMessage(trouble);
  },
  /** Keeps the page again, where the browser or a repair threw it away. */
  async restore(page) {
    await install();
    page.postMessage({ kind: "here", whole: true });
  },
  /** Serves pages that were loaded before this worker was there, if they are of this build. */
  async claim(page, { files }) {
    if (files.every((path) => FILES.has(path))) await clients.claim();
  },
  async "take-over"(asker) {
    const busy = await Promise.all((await ownPages()).map(isBusy));
    if (busy.includes(true)) return asker.postMessage({ kind: "busy" });
    return skipWaiting();
  },
};

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(activate()));
addEventListener("message", (event) => {
  const act = acts[event.data?.kind];
  if (act && event.source) event.waitUntil(act(event.source, event.data));
});
addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (origin !== HOME.origin || !pathname.startsWith(HOME.pathname)) return;
  const path = pathname.slice(HOME.pathname.length);
  if (method === "POST" && path === "share") return event.respondWith(share(event.request));
  const file = method === "GET" && FILES.get(path || "index.html");
  if (file) event.respondWith(answer(file, event.request));
});
