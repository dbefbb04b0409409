/** Lines that fit a terminal of 80 columns. */

const columns = 80

/** Breaks at spaces; what goes on is indented by two more than the line. A word that is too long stays whole. */
export function wrapped(line: string): readonly string[] {
  const indent = /^ */.exec(line)?.[0] ?? ''
  const lines: string[] = []
  let current = indent
  for (const word of line.slice(indent.length).split(' ')) {
    const empty = current.trim() === ''
    if (!empty && current.length + 1 + word.length > columns) {
      lines.push(current)
      current = `${indent}  ${word}`
    } else current = empty ? current + word : `${current} ${word}`
  }
  return [...lines, current]
}
