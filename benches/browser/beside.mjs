// Puts the files of this folder, and the libraries that we compare with, beside those of the built page: under `bench/`.
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const LIBRARIES = { tfjs: "@tensorflow", ort: join("onnxruntime-web", "dist") };

/** The page that times things; `withPage` opens it. */
export const PAGE = "bench/index.html";

/**
 * The headers of an isolated page. Only such a page may share memory between threads; and its clock ticks in
 * microseconds, any other's in tenths of milliseconds.
 */
export const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** Answers a request as the site does, and adds the headers of an isolated page. */
export async function isolate(route) {
  const response = await route.fetch();
  await route.fulfill({ response, headers: { ...response.headers(), ...ISOLATED } });
}

function fileOf(path) {
  const [library, ...rest] = path.split("/");
  return LIBRARIES[library] ? join(HERE, "node_modules", LIBRARIES[library], ...rest) : join(HERE, path);
}

/** Prepares a page. `made` are further files, by their paths under `bench/`; with `isolated` all files isolate the page. */
export async function beside(page, { made = {}, isolated = false } = {}) {
  if (isolated) await page.route("**/*", isolate);
  const headers = isolated ? ISOLATED : {};
  // The routes that are added last are asked first.
  await page.route("**/bench/**", (route) => {
    const path = new URL(route.request().url()).pathname.split("/bench/")[1];
    if (path in made) return route.fulfill({ body: made[path], contentType: "application/octet-stream", headers });
    return route.fulfill({ path: fileOf(path), headers });
  });
}
