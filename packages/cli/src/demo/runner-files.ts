/**
 * Reads a file of `NAME=value` lines and `NAME<<DELIMITER` blocks as the runner does. Throws on anything else: a
 * block without its end would swallow what follows.
 */
export function readFileCommands(text: string): Readonly<Record<string, string>> {
  const members: Record<string, string> = {}
  const lines = text.split(/\r?\n/)
  while (lines.length > 0) {
    const line = lines.shift() ?? ''
    if (line === '') continue
    const block = /^([^=<]+)<<(.+)$/.exec(line)
    if (block === null) {
      const end = line.indexOf('=')
      if (end < 1) throw new Error('a line of a runner file is neither NAME=value nor NAME<<DELIMITER')
      members[line.slice(0, end)] = line.slice(end + 1)
      continue
    }
    const [, name = '', delimiter = ''] = block
    const end = lines.indexOf(delimiter)
    if (end < 0) throw new Error(`the value of ${name} in a runner file has no end`)
    members[name] = lines
      .splice(0, end + 1)
      .slice(0, -1)
      .join('\n')
  }
  return members
}
