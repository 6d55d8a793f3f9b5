// Assertions on a page that is still at work.

/**
 * Repeats an assertion until it holds; its last error if it does not in time. What a page shows follows an action in a
 * later frame, and on a busy machine much later.
 */
export async function eventually(assertion, timeout = 30_000) {
  const deadline = Date.now() + timeout;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}
