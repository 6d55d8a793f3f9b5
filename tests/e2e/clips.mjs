// Songs for the tests: real GTZAN excerpts if they are at hand, otherwise signals made here.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SHARED = process.env.GENRELENS_DATA ?? join(ROOT, "..", "shared");
const SPLITS = ["valid", "train"];

// Both layouts are in use: the folder that holds `data`, and `data` itself.
const AUDIO = [join(SHARED, "data", "gtzan-audio"), join(SHARED, "gtzan-audio")].find((folder) =>
  existsSync(join(folder, "index.csv")),
);

/** The lines of the index of GTZAN's excerpts as objects. */
function excerpts() {
  const [head, ...lines] = readFileSync(join(AUDIO, "index.csv"), "utf8").trim().split(/\r?\n/);
  const names = head.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((cell, at) => [names[at], cell])));
}

const fileOf = ({ genre, track }) => join(AUDIO, genre, `${track}.wav`);

/** The same rows in an order that the draw's number decides; 0 leaves them as they are. */
function drawn(rows, draw) {
  if (!draw) return rows;
  const key = ({ track }) => createHash("sha256").update(`${draw} ${track}`).digest("hex");
  return rows.map((row) => [key(row), row]).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/**
 * Clips to train on, and others to classify, by other artists: `{ file, genre }`; with `seconds`, their beginnings of that
 * length. `null`, with a loud message, if there are no GTZAN excerpts.
 */
export function trainingClips(genres, { train = 10, name = 10, draw = 0, seconds = 0 } = {}) {
  if (!AUDIO) {
    console.log(`LOUD: no GTZAN audio under ${SHARED}: training is NOT tested on music.`);
    return null;
  }
  const usable = drawn(excerpts().filter((row) => SPLITS.includes(row.filtered_split)), draw);
  const trained = genres.flatMap((genre) => usable.filter((row) => row.genre === genre).slice(0, train));
  const trainedArtists = new Set(trained.map((row) => row.artist_group));
  const others = genres.flatMap((genre) =>
    usable.filter((row) => row.genre === genre && !trainedArtists.has(row.artist_group)).slice(0, name),
  );
  const folder = seconds ? mkdtempSync(join(tmpdir(), "genrelens-")) : null;
  const fileFor = (row) => {
    if (!folder) return fileOf(row);
    const file = join(folder, `${row.track}.wav`);
    writeFileSync(file, beginning(fileOf(row), Math.min(seconds, Number(row.seconds) - 0.1)));
    return file;
  };
  const files = (rows) => rows.map((row) => ({ file: fileFor(row), genre: row.genre }));
  return { trained: files(trained), others: files(others) };
}

/** One clip per genre, of `valid` where the genre has one there: `{ file, genre, split }`. */
export function oneClipPerGenre() {
  if (!AUDIO) {
    console.log(`LOUD: no GTZAN audio under ${SHARED}; the page is tested on signals made by the test.`);
    return madeClips();
  }
  const rows = excerpts();
  const genres = [...new Set(rows.map((row) => row.genre))].sort();
  return genres.map((genre) => bestOf(rows.filter((row) => row.genre === genre)));
}

function bestOf(rows) {
  const rank = (row) => [SPLITS.indexOf(row.filtered_split), -Number(row.seconds)];
  const usable = rows.filter((row) => SPLITS.includes(row.filtered_split));
  const [best] = usable.sort((a, b) => rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1]);
  return { file: fileOf(best), genre: best.genre, split: best.filtered_split };
}

function madeClips() {
  const folder = mkdtempSync(join(tmpdir(), "genrelens-"));
  return [110, 220, 330].map((hz) => {
    const file = join(folder, `chord-${hz}.wav`);
    writeFileSync(file, wav(12, 22050, chord(hz)));
    return { file, genre: null, split: "made" };
  });
}

/** Three partials with a beat twice a second, so that time and frequency both show in a spectrogram. */
function chord(hz) {
  return (seconds) => {
    const beat = Math.exp(-4 * ((seconds * 2) % 1));
    return [1, 1.26, 1.5].reduce((sum, step) => sum + 0.2 * Math.sin(2 * Math.PI * hz * step * seconds), 0) * beat;
  };
}

/**
 * Clips of 2 to 3 s, so many of every genre: `{ name, genre, bytes }`. If a genre has too few excerpts of that length,
 * the beginnings of longer ones are taken. Null, with a loud line, if GTZAN's excerpts are not at hand.
 */
export function shortClips(count = 10) {
  if (!AUDIO) {
    console.log(`LOUD: no GTZAN audio under ${SHARED}: training is NOT timed on music.`);
    return null;
  }
  const rows = excerpts().sort((a, b) => a.seconds - b.seconds);
  const genres = [...new Set(rows.map((row) => row.genre))].sort();
  const ofGenre = (genre) => rows.filter((row) => row.genre === genre && row.seconds >= 2).slice(0, count);
  return genres.flatMap(ofGenre).map((row) => {
    const bytes = row.seconds <= 3 ? readFileSync(fileOf(row)) : beginning(fileOf(row), 2.5);
    return { name: `${row.track}.wav`, genre: row.genre, bytes };
  });
}

/** The first seconds of a mono WAV file of 16-bit samples, as a file. */
function beginning(file, seconds) {
  const bytes = readFileSync(file);
  const [rate, data] = [bytes.readUInt32LE(24), bytes.indexOf("data") + 8];
  return wav(seconds, rate, (time) => bytes.readInt16LE(data + 2 * Math.round(time * rate)) / 32767);
}

/** A mono WAV file of 16-bit samples. */
export function wav(seconds, rate, signal) {
  const samples = seconds * rate;
  const bytes = Buffer.alloc(44 + samples * 2);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(36 + samples * 2, 4);
  bytes.write("WAVEfmt ", 8);
  [16, 1 | (1 << 16), rate, rate * 2, 2 | (16 << 16)].forEach((word, at) => bytes.writeUInt32LE(word, 16 + at * 4));
  bytes.write("data", 36);
  bytes.writeUInt32LE(samples * 2, 40);
  for (let at = 0; at < samples; at += 1) {
    bytes.writeInt16LE(Math.round(32767 * signal(at / rate)), 44 + at * 2);
  }
  return bytes;
}

/**
 * The command line's prediction for the files with the network of a weights file: name of the file → label →
 * probability; with `whole`, → everything that it prints.
 */
export function classifyNatively(files, model, whole = false) {
  const program = process.env.GENRELENS_BIN;
  if (!program) throw new Error("GENRELENS_BIN names no command line: run this through `cargo xtask test e2e`");
  const command = ["classify", "--json", "--model", model, ...files];
  const printed = execFileSync(program, command, { cwd: ROOT, encoding: "utf8" });
  const lines = printed.trim().split("\n").map((line) => JSON.parse(line));
  return new Map(lines.map((line) => [basename(line.file), whole ? line : line.genres]));
}
