// What is told of several times of the same work.

/** The middle one, or the mean of the middle two. */
export function median(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** A time in as many digits as are worth reading. */
export function digits(value) {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

/** Cells of a table row: the median, the least and the largest, and how many there are. */
export function cells(times) {
  return [median(times), Math.min(...times), Math.max(...times)].map(digits).concat(times.length);
}
