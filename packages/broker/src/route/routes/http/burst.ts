/**
 * Writes of one turn of the event loop, made together at its end: whoever reads them is woken once and finds all of
 * them, where single ones wake it each time. Waking costs the writer more than writing does.
 */
const waiting: (() => void)[] = []

/** Calls `write` before the loop waits for anything. */
export function inBurst(write: () => void): void {
  if (waiting.push(write) === 1) setImmediate(flush)
}

function flush(): void {
  const now = waiting.splice(0)
  for (const write of now) write()
}
