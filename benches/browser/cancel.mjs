// In the page: trainings that are given up in the middle, and how soon that is answered.
import { fresh, startEngine, embed } from "./engine.mjs";

const BATCH = 4;
const LEARN = 4;
const WINDOWS_PER_CLIP = 4;
const STEPS_PER_EPOCH = (LEARN * WINDOWS_PER_CLIP) / BATCH;

/**
 * For every moment, a part of an epoch: the milliseconds of a step of that training (a validation of two clips shared
 * among those of an epoch) and those from giving it up to the engine's answer.
 */
export async function cancels(kind, moments) {
  const engine = await startEngine(kind);
  const recipe = { epochs: 10_000, batch: BATCH, windows_per_song: WINDOWS_PER_CLIP };
  const job = await embed(engine, { model: fresh("lens"), classes: 2, learn: LEARN, valid: 2, recipe });
  const times = [];
  for (const moment of moments) times.push(await givenUp(engine, job, moment));
  engine.stop();
  return { times, adapter: engine.adapter };
}

/** The first epoch compiles what it needs, the second is timed, the third is given up. */
async function givenUp(engine, job, moment) {
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
