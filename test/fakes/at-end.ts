import type { TestContext } from 'node:test'

const stacks = new WeakMap<TestContext, (() => unknown)[]>()

/** Runs when the test ends, the newest first: what needs something is closed before what it needs. */
export function atEnd(t: TestContext, close: () => unknown): void {
  const known = stacks.get(t)
  if (known !== undefined) {
    known.push(close)
    return
  }
  const stack = [close]
  stacks.set(t, stack)
  t.after(async () => {
    for (const each of stack.toReversed()) await each()
  })
}
