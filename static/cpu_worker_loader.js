// Starts the CPU engine's binary in its worker. The page's first worker compiles it while it is fetched, and later ones
// are sent what that one has compiled.
import init from "./cpu_worker.js";

if (self.name === "waits-for-module") {
  const { data } = await new Promise((resolve) => addEventListener("message", resolve, { once: true }));
  await init({ module_or_path: data });
} else {
  await init();
}
