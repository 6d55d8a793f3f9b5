// Networks that the site does not ship, put before the page in the place of those it does: all of them are net1-gtzan,
// so that what they must answer is known.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DIST } from "./site.mjs";

const folder = join(DIST, "model-weights");
const weights = readFileSync(join(folder, "net1-gtzan.safetensors"));
const card = JSON.parse(readFileSync(join(folder, "net1-gtzan.json"), "utf8"));
const TAGS = ["guitar", "slow", "female voice", "beautiful", "drums", "ambient", "piano", "loud", "bass", "strings"];

/** A safetensors file of these tensors: name → shape and values. */
function safetensors(tensors) {
  const header = {};
  const parts = [];
  let at = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const bytes = Buffer.from(Float32Array.from(values).buffer);
    header[name] = { dtype: "F32", shape, data_offsets: [at, at + bytes.length] };
    parts.push(bytes);
    at += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header).padEnd(8 * Math.ceil(JSON.stringify(header).length / 8)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...parts]);
}

/** A head that passes the logits of its backbone on. */
function head() {
  const count = card.labels.length;
  const all = (value) => ({ shape: [count], values: new Array(count).fill(value) });
  const identity = Array.from({ length: count * count }, (_, at) => Number(at % (count + 1) === 0));
  return safetensors({
    input_mean: all(0),
    input_deviation: all(1),
    "output.weight": { shape: [count, count], values: identity },
    "output.bias": all(0),
  });
}

const headWeights = head();
const sha256 = createHash("sha256").update(headWeights).digest("hex");

/** By name: card and weights. */
const NETWORKS = {
  "stand-in-head": {
    card: {
      ...card,
      name: "stand-in-head",
      summary: "A head that repeats the answer of its backbone.",
      architecture: "head",
      structure: { features: card.labels.length },
      backbones: [{ name: "stand-in-tags", sha256: card.sha256, takes: "logits" }],
      sha256,
    },
    weights: headWeights,
  },
  "stand-in-first": { card: { ...card, name: "stand-in-first" }, weights },
  "stand-in-turned": {
    card: { ...card, name: "stand-in-turned", summary: "Every genre under another's name.", labels: [...card.labels].reverse() },
    weights,
  },
  "stand-in-tags": { card: { ...card, name: "stand-in-tags", labels: TAGS, multi_label: true }, weights },
};

const offer = ([name, { card, weights }]) => ({
  name,
  summary: card.summary,
  bytes: weights.length,
  backbones: (card.backbones ?? []).map(({ name }) => name),
});

const list = (roles) => ({ first: "stand-in-first", ...roles, networks: Object.entries(NETWORKS).map(offer) });

/** The genres that `stand-in-turned` names for the answer of net1-gtzan. */
export function turned(answer) {
  const { labels } = card;
  return Object.fromEntries(labels.map((label, at) => [labels.at(-1 - at), answer[label]]));
}

/**
 * Puts the stand-ins before the page. `roles` may name another `default` than the first; `meddle(name, kind)` may answer
 * a file's request with another status or body, or wait.
 */
export async function standIns(page, { roles = { default: "stand-in-first" }, meddle = () => null } = {}) {
  await page.route("**/model-weights/**", async (route) => {
    const [, name, kind] = /([^/]+)\.(json|safetensors)$/.exec(new URL(route.request().url()).pathname);
    if (name === "networks") return route.fulfill({ json: list(roles) });
    const { card, weights } = NETWORKS[name];
    const answer = await meddle(name, kind);
    const content = kind === "json" ? { json: card } : { body: weights, contentType: "application/octet-stream" };
    return route.fulfill(answer ?? content);
  });
}
