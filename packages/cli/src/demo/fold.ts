/** Lines for a terminal of 80 columns. */

const width = 80

/**
 * One line as several that fit: it breaks at blanks, between members of JSON and before parameters of a URL, never
 * inside of a word. What continues stands two columns further in, below its text where the line is a row of a table. A
 * line that starts with `$` is a command and stays one when it is copied.
 */
export function fold(line: string): readonly string[] {
  if (line.length <= width) return [line]
  const [, indent = '', mark = ''] = /^( *)(\| |\$ )?/.exec(line) ?? []
  const command = mark === '$ '
  const pieces = line
    .slice(indent.length)
    .split(command ? /(?<= )/ : /(?<= )(?=\S)|(?<=,)(?=["{])|(?=[?&][\w-]+=)/)
  const longest = Math.max(...pieces.slice(1).map((piece) => piece.trimEnd().length))
  const column = /^ *[^\s:]+(?: [^\s:]+)*:? {2,}/.exec(line)?.[0].length ?? width
  const further = ' '.repeat(column + longest <= width ? column : indent.length + 2)
  const next = mark === '| ' ? `${indent}|   ` : further
  return filled(pieces, indent, next, command ? ' \\' : '')
}

function filled(pieces: readonly string[], first: string, next: string, end: string): readonly string[] {
  const lines: string[] = []
  let [line, empty] = [first, true]
  for (const [position, piece] of pieces.entries()) {
    const last = position === pieces.length - 1
    const room = width - (last ? 0 : end.length)
    if (!empty && line.length + piece.trimEnd().length > room) {
      lines.push(line.trimEnd() + end)
      line = next
    }
    line += piece
    empty = false
  }
  return [...lines, line.trimEnd()]
}
