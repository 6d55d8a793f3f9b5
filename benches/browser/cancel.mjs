// In the page: training runs that are cancelled in the middle, and how soon that is answered.
import { embeddedJob, fromScratch, startEngine } from "./engine.mjs";

const BATCH = 4;
const TRAIN_CLIPS = 4;
const WINDOWS_PER_CLIP = 4;
const STEPS_PER_EPOCH = (TRAIN_CLIPS * WINDOWS_PER_CLIP) / BATCH;

/**
 * For every moment, a fraction of an epoch: the milliseconds of a step of that run (with its share of the validation on
 * two clips after each epoch) and those from the request to cancel it to the engine's answer.
 */
export async function cancels(kind, moments) {
  const engine = await startEngine(kind);
  const recipe = { epochs: 10_000, batch: BATCH, windows_per_song: WINDOWS_PER_CLIP };
  const job = await embeddedJob(engine, { model: fromScratch("lens"), classes: 2, train: TRAIN_CLIPS, valid: 2, recipe });
  const times = [];
  for (const moment of moments) times.push(await cancelled(engine, job, moment));
  engine.stop();
  return { times, adapter: engine.adapter };
}

/** The first epoch compiles what it needs, the second is timed, the third is cancelled. */
async function cancelled(engine, job, moment) {
  const ends = [];
  let asked;
  const training = engine.send({ Train: { job } }, undefined, ({ name, at }) => {
    if (name !== "Epoch" || ends.push(at) !== 2) return;
    setTimeout(() => {
      asked = performance.now();
      engine.cancel(training.id);
    }, moment * (ends[1] - ends[0]));
  });
  const { name, told, at } = await training.last;
  if (name !== "Cancelled") throw new Error(`not cancelled but ${name}: ${JSON.stringify(told)}`);
  return { step: (ends[1] - ends[0]) / STEPS_PER_EPOCH, answered: at - asked };
}
