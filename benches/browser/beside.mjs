// Puts the files of this folder, and TensorFlow.js, beside those of the built page: under `bench/`.
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const TENSORFLOW = join(HERE, "node_modules", "@tensorflow");

/** The page that times things; `withPage` opens it. */
export const PAGE = "bench/index.html";

export function beside(page) {
  return page.route("**/bench/**", (route) => {
    const path = new URL(route.request().url()).pathname.split("/bench/")[1];
    const file = path.startsWith("tfjs/") ? join(TENSORFLOW, path.slice("tfjs/".length)) : join(HERE, path);
    return route.fulfill({ path: file });
  });
}
