/** fix/unified-diff: two texts as the difference that `git apply` and reviewers read. */

const context = 3
/** Beyond this a difference is shown as one block: it is still right, only longer. */
const mostCells = 4_000_000

/** Nothing when the texts are the same; an absent `before` is a new file. */
export function unifiedDiff(path: string, before: string | undefined, after: string): string {
  if (before === after) return ''
  const [old, fresh] = [linesOf(before ?? ''), linesOf(after)]
  const rows = compared(old, fresh)
  const head = [before === undefined ? '--- /dev/null' : `--- a/${path}`, `+++ b/${path}`]
  return `${[...head, ...hunks(rows)].join('\n')}\n`
}

/** Each line with its end, so that a last line without one differs from one that has it. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

interface Row {
  readonly sign: ' ' | '-' | '+'
  readonly line: string
}

function compared(old: readonly string[], fresh: readonly string[]): readonly Row[] {
  let [head, tail] = [0, 0]
  while (head < Math.min(old.length, fresh.length) && old[head] === fresh[head]) head++
  const most = Math.min(old.length, fresh.length) - head
  while (tail < most && old.at(-1 - tail) === fresh.at(-1 - tail)) tail++
  const same = (lines: readonly string[]) => lines.map((line): Row => ({ sign: ' ', line }))
  const middle = changed(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail))
  return [...same(old.slice(0, head)), ...middle, ...same(old.slice(old.length - tail))]
}

/** By the longest common lines. */
function changed(old: readonly string[], fresh: readonly string[]): readonly Row[] {
  if (old.length * fresh.length > mostCells)
    return [
      ...old.map((line): Row => ({ sign: '-', line })),
      ...fresh.map((line): Row => ({ sign: '+', line })),
    ]
  const width = fresh.length + 1
  const common = new Uint32Array((old.length + 1) * width)
  const cell = (a: number, b: number) => common[a * width + b] ?? 0
  for (let a = old.length - 1; a >= 0; a--)
    for (let b = fresh.length - 1; b >= 0; b--)
      common[a * width + b] =
        old[a] === fresh[b] ? cell(a + 1, b + 1) + 1 : Math.max(cell(a + 1, b), cell(a, b + 1))
  const rows: Row[] = []
  let [a, b] = [0, 0]
  while (a < old.length || b < fresh.length) {
    const [from = '', to = ''] = [old[a], fresh[b]]
    if (a < old.length && b < fresh.length && from === to) {
      rows.push({ sign: ' ', line: from })
      a++
      b++
    } else if (a < old.length && (b === fresh.length || cell(a + 1, b) >= cell(a, b + 1))) {
      rows.push({ sign: '-', line: from })
      a++
    } else {
      rows.push({ sign: '+', line: to })
      b++
    }
  }
  return rows
}

function hunks(rows: readonly Row[]): readonly string[] {
  const out: string[] = []
  for (let from = next(rows, 0); from < rows.length; ) {
    const start = Math.max(0, from - context)
    let end = from
    for (let at = from; at < rows.length && at - end <= 2 * context; at++)
      if (rows[at]?.sign !== ' ') end = at
    const stop = Math.min(rows.length, end + 1 + context)
    out.push(...hunk(rows, start, stop))
    from = next(rows, stop)
  }
  return out
}

function next(rows: readonly Row[], from: number): number {
  const at = rows.findIndex(({ sign }, index) => index >= from && sign !== ' ')
  return at === -1 ? rows.length : at
}

function hunk(rows: readonly Row[], start: number, stop: number): readonly string[] {
  const count = (from: number, to: number, but: string) =>
    rows.slice(from, to).filter(({ sign }) => sign !== but).length
  const range = (but: string) => {
    const length = count(start, stop, but)
    return `${count(0, start, but) + (length === 0 ? 0 : 1)},${length}`
  }
  const body = rows.slice(start, stop).flatMap(({ sign, line }) => {
    const ended = line.endsWith('\n')
    return ended ? [sign + line.slice(0, -1)] : [sign + line, '\\ No newline at end of file']
  })
  return [`@@ -${range('+')} +${range('-')} @@`, ...body]
}
