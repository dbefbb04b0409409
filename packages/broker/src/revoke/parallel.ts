/** Runs `work` on all items, `width` at a time. Rejects as `work` does, with nothing left running. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values()
  const lanes = Array.from({ length: Math.min(width, items.length) }, async () => {
    for (const item of waiting) await work(item)
  })
  const results = await Promise.allSettled(lanes)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
