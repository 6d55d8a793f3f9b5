// Workers that fall silent, die, or keep what they say to themselves, when a test wants it; and a page whose time a test
// lets pass, so that what the page waits minutes for takes a moment.
import assert from "node:assert/strict";

// Runs in the page before its own scripts. `gpu` true: the GPU's worker is the CPU's under another name, so that no test
// needs a graphics adapter; its self-test claims to be fast.
function watchWorkers(gpu) {
  const Native = globalThis.Worker;
  const kindOf = (body) => (typeof body === "string" ? body : Object.keys(body ?? {})[0]);
  globalThis.workers = [];
  /** `{ engine, number, request or event, does or set, times }`: what happens to such messages. */
  globalThis.faults = [];
  const fault = (worker, part, kind) => {
    const fits = (rule) =>
      rule[part] === kind &&
      (rule.times ?? Infinity) > 0 &&
      (!rule.engine || rule.engine === worker.engine) &&
      (!rule.number || rule.number === worker.number);
    const found = globalThis.faults.find(fits);
    if (found?.times) found.times -= 1;
    return found;
  };
  globalThis.Worker = class extends Native {
    constructor(url, ...rest) {
      const engine = String(url).includes("gpu_worker") ? "gpu" : "cpu";
      const cpu = globalThis.workers.find((worker) => worker.engine === "cpu");
      super(gpu && engine === "gpu" ? cpu.url : url, ...rest);
      const number = 1 + globalThis.workers.filter((worker) => worker.engine === engine).length;
      Object.assign(this, { engine, number, url, asked: {}, told: {}, held: [], unsent: [], silent: false });
      globalThis.workers.push(this);
      this.addEventListener("message", (event) => this.hears(event));
    }

    hears(event) {
      const { body } = event.data.head ?? {};
      if (event.released || !body) return;
      const kind = kindOf(body);
      this.told[kind] = (this.told[kind] ?? 0) + 1;
      if (gpu && this.engine === "gpu" && kind === "Ready") {
        body.Ready.engine = { kind: "gpu", adapter: { name: "stand-in", software: true } };
      }
      if (gpu && this.engine === "gpu" && kind === "SelfTested") {
        for (const time of ["milliseconds", "step_milliseconds"]) if (body.SelfTested[time]) body.SelfTested[time] /= 1000;
      }
      const does = this.silent ? "nothing" : fault(this, "event", kind)?.does;
      if (!does) return;
      event.stopImmediatePropagation();
      if (does === "hold") this.held.push(event.data);
      if (does === "silence") this.silent = true;
      if (does === "die") this.die();
    }

    /** Traps: the browser reports it, and no later request is answered. */
    die() {
      this.silent = true;
      // Not from inside the page's own call.
      const message = "RuntimeError: unreachable";
      queueMicrotask(() => this.dispatchEvent(new ErrorEvent("error", { message })));
    }

    /** Asks and tells what was held back. */
    release() {
      for (const message of this.unsent.splice(0)) super.postMessage(...message);
      for (const data of this.held.splice(0)) {
        this.dispatchEvent(Object.assign(new MessageEvent("message", { data }), { released: true }));
      }
    }

    postMessage(message, ...rest) {
      const kind = kindOf(message.head?.body);
      this.asked[kind] = (this.asked[kind] ?? 0) + 1;
      const { does, set } = fault(this, "request", kind) ?? {};
      if (set) {
        const [value, last, ...path] = [...set].reverse();
        path.reduceRight((inner, key) => inner[key], message.head.body[kind])[last] = value;
      }
      if (does === "hold") return void this.unsent.push([message, ...rest]);
      if (does) this.silent = true;
      if (does === "die") this.die();
      if (!this.silent) super.postMessage(message, ...rest);
    }

    terminate() {
      this.ended = true;
      super.terminate();
    }
  };
}

/** Watches the page's workers, and its time if `clock`. `faults` are there from the first worker on. */
export async function watched(page, { gpu = false, clock = false, faults = [] } = {}) {
  if (clock) await page.clock.install();
  await page.addInitScript(watchWorkers, gpu);
  await page.addInitScript((faults) => globalThis.faults.push(...faults), faults);
}

/**
 * From now on a worker of that `engine`, or any, `does` ("silence", "die", "hold", "nothing") at that request or event; or
 * the request has another value: `set` is its path, and the value.
 */
export const setFault = (page, fault) => page.evaluate((fault) => void globalThis.faults.push(fault), fault);
export const mend = (page) => page.evaluate(() => void globalThis.faults.splice(0));

/** How often the workers of an engine were asked, or told, things of this kind. */
export const count = (page, part, kind, engine) =>
  page.evaluate(
    ([part, kind, engine]) =>
      globalThis.workers
        .filter((worker) => !engine || worker.engine === engine)
        .reduce((sum, worker) => sum + (worker[part][kind] ?? 0), 0),
    [part, kind, engine],
  );

/** Waits until workers were asked or told something so often. */
export const counted = (page, part, kind, times, engine) =>
  page.waitForFunction(
    ([part, kind, times, engine]) =>
      globalThis.workers
        .filter((worker) => !engine || worker.engine === engine)
        .reduce((sum, worker) => sum + (worker[part][kind] ?? 0), 0) >= times,
    [part, kind, times, engine],
    { timeout: 60_000 },
  );

/** Lets the page's time pass, second after second: what counts seconds by itself gets to count each of them. */
export async function passSeconds(page, seconds) {
  for (let second = 0; second < seconds; second += 1) await page.clock.fastForward(1000);
  // The page and its workers answer in their own time.
  await page.waitForTimeout(20);
}

/** Lets the page's time pass until a function of it is true: minutes of the page in seconds. */
export async function passTime(page, minutes, until, about, argument) {
  for (let step = 0; step < 6 * minutes; step += 1) {
    if (await page.evaluate(until, argument)) return;
    await passSeconds(page, 10);
  }
  assert.fail(`not within ${minutes} minutes of the page: ${about}`);
}
